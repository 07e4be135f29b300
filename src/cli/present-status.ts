// The status for a person: 80 columns, the same words on a screen and in a file.
import type { TopicLag } from '../domain/service-status.ts';
import { visible } from '../domain/text.ts';
import { table } from './present.ts';
import { counted, whole } from './words.ts';

interface Store {
  reachable: boolean;
  connections: { open: number; max: number } | null;
}

interface Process {
  name: string;
  silentMs: number;
  reasons: string[];
}

export interface Status {
  at: string;
  stores: { redis: Store; database: Store };
  /** Absent where Redis alone carries tickets; null where the front did not learn it. */
  kafka?: TopicLag | null;
  fronts: Process[] | null;
  workers: Process[] | null;
  backlog: { tickets: number; campaigns: number; oldestWaitMs: number } | null;
  retrying: number | null;
  deadLetters: number | null;
  campaigns: { id: string; backlog: number; settled: number; oldestWaitMs: number }[] | null;
  attention: { campaign: string; attention: string }[] | null;
  needs: { what: string; text: string }[];
}

/** How a part is made to stand out. */
export interface Screen {
  bad: (text: string) => string;
  strong: (text: string) => string;
}

export const plain: Screen = { bad: (text) => text, strong: (text) => text };

const COLUMNS = 80;
const UNKNOWN = 'unknown';
const CAMPAIGNS = 10;
const NEEDS = 8;

/** One look. */
export function statusText(status: Status, screen: Screen): string {
  return [summary(status), campaigns(status, undefined), needs(status, screen)].join('\n');
}

/** One look of many; `before` is the one before it, from which follows how fast tickets are issued. */
export function topText(status: Status, before: Status | undefined, screen: Screen): string {
  const title = `sluice top  ${status.at}  Ctrl-C ends`;
  return [`${screen.strong(title)}\n`, summary(status), campaigns(status, before), needs(status, screen)].join('\n');
}

function summary({ stores, kafka, fronts, workers, backlog, retrying, deadLetters }: Status): string {
  return table(
    [
      ['redis', storeWords(stores.redis)],
      ['database', storeWords(stores.database)],
      ...(kafka === undefined ? [] : [['kafka', kafkaWords(kafka)]]),
      ['fronts', processWords(fronts)],
      ['workers', processWords(workers)],
      ['backlog', backlogWords(backlog)],
      ['retrying', retrying === null ? UNKNOWN : counted(retrying, 'ticket')],
      ['dead letters', deadLetters === null ? UNKNOWN : whole(deadLetters)],
    ].map(([name, words]) => [name!, clipped(words!, COLUMNS - 14)]),
  );
}

function storeWords({ reachable, connections }: Store): string {
  if (!reachable) return 'does not answer';
  return connections === null
    ? 'answers'
    : `answers, ${whole(connections.open)} of ${whole(connections.max)} connections open`;
}

function kafkaWords(lag: TopicLag | null): string {
  if (lag === null) return UNKNOWN;
  return lag.records === null ? `lag unknown: ${visible(lag.problem ?? '')}` : lagWords(lag.records);
}

/** A record has 1 to 500 tickets, and nothing but its reader knows how many. */
export const lagWords = (records: number): string =>
  records === 0 ? 'lag 0 records' : `lag ${counted(records, 'record')}, each of 1 to 500 tickets`;

function processWords(processes: Process[] | null): string {
  if (processes === null) return UNKNOWN;
  const ready = processes.filter(({ reasons }) => reasons.length === 0);
  const names = processes.map(({ name, reasons }) => (reasons.length === 0 ? name : `${name} (${reasons.join(', ')})`));
  return `${ready.length} ready of ${processes.length}${names.length === 0 ? '' : `: ${names.join(', ')}`}`;
}

function backlogWords(backlog: Status['backlog']): string {
  if (backlog === null) return UNKNOWN;
  const { tickets, campaigns: count, oldestWaitMs } = backlog;
  if (tickets === 0) return '0 tickets';
  return `${counted(tickets, 'ticket')} of ${counted(count, 'campaign')}, the oldest for ${seconds(oldestWaitMs)} s`;
}

function campaigns(status: Status, before: Status | undefined): string {
  if (status.campaigns === null) return 'Which campaigns have tickets waiting is unknown.\n';
  if (status.campaigns.length === 0) return 'No campaign has tickets waiting.\n';
  const head = ['BACKLOG (tickets)', 'OLDEST (s)', 'SETTLED (tickets/s)', 'CAMPAIGN'];
  const rows = status.campaigns
    .slice(0, CAMPAIGNS)
    .map(({ id, backlog, settled, oldestWaitMs }) => [
      whole(backlog),
      seconds(oldestWaitMs),
      rateWords(settledPerSecond(id, settled, status, before)),
      id,
    ]);
  const left = status.backlog === null ? 0 : status.backlog.campaigns - rows.length;
  const more = left > 0 ? `and ${counted(left, 'more campaign')}\n` : '';
  return `${table([head, ...rows], [0, 1, 2])}${more}`;
}

/** Undefined for a campaign that was not shown before, or whose gate began again since. */
function settledPerSecond(id: string, settled: number, now: Status, before: Status | undefined): number | undefined {
  const was = before?.campaigns?.find((campaign) => campaign.id === id)?.settled;
  const elapsedMs = Date.parse(now.at) - Date.parse(before?.at ?? now.at);
  return was === undefined || settled < was || elapsedMs <= 0 ? undefined : ((settled - was) / elapsedMs) * 1_000;
}

const rateWords = (rate: number | undefined): string => (rate === undefined ? '–' : whole(Math.round(rate)));

function needs({ needs: all }: Status, { bad, strong }: Screen): string {
  if (all.length === 0) return 'Nothing needs a person.\n';
  const shown = all.slice(0, NEEDS).flatMap(({ text }) => wrapped(visible(text)).map((line) => `${bad(line)}\n`));
  const more = all.length > NEEDS ? `and ${whole(all.length - NEEDS)} more: --json shows all\n` : '';
  return `${strong('Needs a person:')}\n${shown.join('')}${more}`;
}

const seconds = (ms: number): string => (ms / 1_000).toFixed(1);

const clipped = (text: string, width: number): string => (text.length > width ? `${text.slice(0, width - 1)}…` : text);

/** Lines of at most 80 columns; the first begins with a dash. */
function wrapped(text: string): string[] {
  const lines: string[] = [];
  let line = '-';
  for (const word of text.split(' ')) {
    if (line.length + 1 + word.length > COLUMNS) {
      lines.push(line);
      line = ' ';
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}
