// Dead letters for a person.
import { table } from './present.ts';
import { counted, whole } from './words.ts';

interface Letter {
  id: number;
  campaign: string;
  state: string;
  reason: string;
  seq: number;
  epoch: number;
  unit: number | null;
  user: string | null;
  attempts: number;
  redriveCount: number;
  traceId: string | null;
  admittedAt: string | null;
  createdAt: string;
  /** When a worker redrives it by AUTO_REDRIVE; null when none will. */
  autoRedriveAt: string | null;
}

interface Page {
  deadLetters: Letter[];
  summary: { reason: string; state: string; count: number }[];
}

/** The counts first, because they decide what to do; then one line a letter. The user comes last, see {@link table}. */
export function letterTable(answer: unknown): string {
  const { deadLetters, summary } = answer as Page;
  if (deadLetters.length === 0) return 'There are no dead letters.\n';
  const counts = summary.map(({ reason, state, count }) => [reason, state, whole(count)]);
  const head = [
    'ID',
    'CAMPAIGN',
    'STATE',
    'SEQ',
    'UNIT',
    'ATTEMPTS',
    'REDRIVES',
    'AUTO-REDRIVE',
    'SINCE',
    'REASON',
    'USER',
  ];
  const rows = deadLetters.map((letter) => [
    String(letter.id),
    letter.campaign,
    letter.state,
    String(letter.seq),
    letter.unit === null || letter.unit === 0 ? NONE : String(letter.unit),
    String(letter.attempts),
    String(letter.redriveCount),
    letter.autoRedriveAt ?? NONE,
    letter.createdAt,
    letter.reason,
    letter.user ?? NONE,
  ]);
  const next = deadLetters.some(({ state }) => state === 'kept') ? `\n${NEXT}` : '';
  return `${table([['REASON', 'STATE', 'COUNT'], ...counts], [2])}\n${table([head, ...rows], [0, 3, 4, 5, 6])}${next}`;
}

const NONE = '–';
const NEXT =
  'Next: "sluice dead-letters show <id>" shows one; "redrive --campaign <id>" retries them, "discard" gives them up.\n';

export function letterDetails(answer: unknown): string {
  const letter = answer as Letter & { detail: string; raw: string | null };
  const { id, seq, epoch, user, unit, detail, attempts, redriveCount } = letter;
  return table([
    ['dead letter', `${id}, ${letter.state}`],
    ['campaign', letter.campaign],
    ['ticket', `seq ${seq} of epoch ${epoch}`],
    ['user', user ?? 'unreadable'],
    ['unit', unit === null ? 'unreadable' : unit === 0 ? 'none: no unit was left for this ticket' : String(unit)],
    ['reason', letter.reason],
    ['detail', detail === '' ? NONE : detail],
    ['attempts', `${counted(attempts, 'attempt')}, redriven ${counted(redriveCount, 'time')}`],
    ['auto-redrive', letter.autoRedriveAt === null ? 'none' : `from ${letter.autoRedriveAt} on`],
    ['admitted', letter.admittedAt ?? 'unreadable'],
    ['given up', letter.createdAt],
    ['trace', letter.traceId ?? 'not recorded'],
    ['entry', letter.raw ?? NONE],
  ]);
}

interface Work {
  campaign: string;
  dryRun: boolean;
  matching: number;
  done: number;
  left: number;
  skipped: { id: number | null; why: string }[];
}

const WHY: Record<string, string> = {
  'no-such-ticket': 'this campaign has no such ticket',
  'not-kept-any-more': 'another operator redrove or discarded it',
  'issued-meanwhile': 'its buyer has a coupon, so there is nothing to discard',
  unfinished: 'Redis or the database did not answer; a worker finishes it within seconds',
  'not-redrivable': 'its entry cannot be read, so its user and unit are unknown',
  'not-settled-yet': 'a worker is still working on its ticket; try again in a moment',
  'unknown-to-the-gate': 'the gate does not know its ticket; see sluice reconcile <id>',
};

export function letterWork(verb: 'redrive' | 'discard', answer: unknown): string {
  const { campaign, dryRun, matching, done, left, skipped } = answer as Work;
  const letters = (count: number) => `${counted(count, 'dead letter')} of ${campaign}`;
  const skips = skipped.map(
    ({ id, why }) => `  skipped ${id ?? 'a ticket'}: ${why} (${WHY[why] ?? 'no explanation'})\n`,
  );
  if (dryRun) {
    const next = done === 0 ? '' : ` To ${verb} ${whole(done)} of them, add --yes to the same command.`;
    return `${letters(matching)} match. Nothing was changed: this was a dry run.${next}\n${skips.join('')}`;
  }
  const past = verb === 'redrive' ? 'Redrove' : 'Discarded';
  const meaning = verb === 'redrive' ? 'Workers retry them now.' : 'Their units are sold again.';
  const what = done === 0 ? `${past} no dead letters of ${campaign}.` : `${past} ${letters(done)}. ${meaning}`;
  const again = left > skipped.length ? ' Run the same command again to continue with them.' : '';
  return `${what} ${counted(left, 'matching dead letter')} left.${again}\n${skips.join('')}`;
}
