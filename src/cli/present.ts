// Answers of the admin API for a person: aligned columns, units beside the numbers, no colour.

interface Campaign {
  id: string;
  name: string;
  stock: number;
  opensAt: string | null;
  closesAt: string | null;
  ratePerSecond: number;
  burst: number;
  backlogMax: number;
  shards: number;
  state: string;
  version: number;
  createdAt: string;
}

/** What `show` tells beyond the settings. */
interface Progress {
  phase: string;
  remaining: number;
  admitted: number;
  issued: number;
  backlog: number;
  retrying: number;
  deadLetters: number;
  oldestWaitMs: number | null;
  drainPerSecond: number | null;
}

/** One line a campaign; the name comes last, because no terminal agrees with another on how wide it is. */
export function campaignTable(campaigns: unknown[]): string {
  if (campaigns.length === 0) return 'There is no campaign yet: sluice campaign create <id> --stock N makes one.\n';
  const head = ['ID', 'STATE', 'STOCK (units)', 'RATE (joins/s)', 'OPENS', 'CLOSES', 'NAME'];
  const rows = (campaigns as Campaign[]).map((campaign) => [
    campaign.id,
    campaign.state,
    whole(campaign.stock),
    campaign.ratePerSecond === 0 ? 'no limit' : whole(campaign.ratePerSecond),
    campaign.opensAt ?? '-',
    campaign.closesAt ?? '-',
    campaign.name,
  ]);
  return table([head, ...rows], [2, 3]);
}

export function campaignDetails(answer: unknown): string {
  const campaign = answer as Campaign & Partial<Progress>;
  const { id, name, state, phase, ratePerSecond, burst, backlogMax } = campaign;
  return table([
    ['campaign', id === name ? id : `${id} (${name})`],
    ['state', phase === undefined ? state : `${state}, ${phase}`],
    ['stock', `${whole(campaign.stock)} units`],
    ...(phase === undefined ? [] : progress(campaign as Campaign & Progress)),
    ['opens', campaign.opensAt ?? 'from its creation'],
    ['closes', campaign.closesAt ?? 'never by itself'],
    ['rate', ratePerSecond === 0 ? 'no limit' : `${whole(ratePerSecond)} joins/s, burst ${whole(burst)} joins`],
    ['backlog max', backlogMax === 0 ? 'no bound' : `${whole(backlogMax)} tickets`],
    ['shards', whole(campaign.shards)],
    ['version', `${campaign.version}, created ${campaign.createdAt}`],
  ]);
}

function progress(campaign: Progress): string[][] {
  const { backlog, oldestWaitMs, drainPerSecond } = campaign;
  const oldest = oldestWaitMs === null ? '' : `, the oldest for ${(oldestWaitMs / 1_000).toFixed(1)} s`;
  return [
    ['remaining', `${whole(campaign.remaining)} units`],
    ['admitted', `${whole(campaign.admitted)} tickets`],
    ['issued', `${whole(campaign.issued)} tickets`],
    ['backlog', `${whole(backlog)} tickets${oldest}`],
    ['drain', drainPerSecond === null ? 'not known yet' : `${drainPerSecond.toFixed(1)} tickets/s`],
    ['retrying', `${whole(campaign.retrying)} tickets`],
    ['dead letters', `${whole(campaign.deadLetters)} tickets`],
  ];
}

/** Columns two spaces apart; those in `right` end flush, as numbers should. */
export function table(rows: string[][], right: readonly number[] = []): string {
  const cells = rows.map((row) => row.map(printable));
  const widths = cells[0]!.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  const line = (row: string[]) =>
    row.map((cell, column) => (right.includes(column) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)));
  return cells.map((row) => `${line(row).join('  ').trimEnd()}\n`).join('');
}

/** A name is anything somebody typed; an escape sequence in it must not reach the terminal. */
const printable = (text: string): string => text.replaceAll(/\p{Cc}/gu, '?');

export const whole = (value: number): string => value.toLocaleString('en-US');
