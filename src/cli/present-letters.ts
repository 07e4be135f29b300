// Dead letters for a person.
import { table, whole } from './present.ts';

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
}

interface Page {
  deadLetters: Letter[];
  summary: { reason: string; state: string; count: number }[];
}

/** The counts first, because that is what decides; then one line a letter. */
export function letterTable(answer: unknown): string {
  const { deadLetters, summary } = answer as Page;
  if (deadLetters.length === 0) return 'There is no dead letter.\n';
  const counts = summary.map(({ reason, state, count }) => [reason, state, whole(count)]);
  const head = ['ID', 'CAMPAIGN', 'STATE', 'SEQ', 'UNIT', 'ATTEMPTS', 'REDRIVES', 'SINCE', 'REASON', 'USER'];
  const rows = deadLetters.map((letter) => [
    String(letter.id),
    letter.campaign,
    letter.state,
    String(letter.seq),
    letter.unit === null ? '-' : String(letter.unit),
    String(letter.attempts),
    String(letter.redriveCount),
    letter.createdAt,
    letter.reason,
    letter.user ?? '-',
  ]);
  return `${table([['REASON', 'STATE', 'COUNT'], ...counts], [2])}\n${table([head, ...rows], [0, 3, 4, 5, 6])}`;
}

export function letterDetails(answer: unknown): string {
  const letter = answer as Letter & { detail: string; raw: string | null };
  return table([
    ['dead letter', `${letter.id}, ${letter.state}`],
    ['campaign', letter.campaign],
    ['ticket', `seq ${letter.seq} of epoch ${letter.epoch}`],
    ['user', letter.user ?? 'unreadable'],
    ['unit', letter.unit === null ? 'unreadable' : String(letter.unit)],
    ['reason', letter.reason],
    ['detail', letter.detail === '' ? '-' : letter.detail],
    ['attempts', `${letter.attempts}, redriven ${letter.redriveCount} times`],
    ['admitted', letter.admittedAt ?? 'unreadable'],
    ['given up', letter.createdAt],
    ['trace', letter.traceId ?? 'not recorded'],
    ['entry', letter.raw ?? '-'],
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

export function letterWork(verb: 'redrive' | 'discard', answer: unknown): string {
  const { campaign, dryRun, matching, done, left, skipped } = answer as Work;
  const skips = skipped.map(({ id, why }) => `  skipped ${id ?? 'a ticket'}: ${why}\n`).join('');
  if (dryRun) {
    const more = `Nothing was done. The same command with --yes would ${verb} ${whole(done)} of them.`;
    return `${whole(matching)} dead letters of ${campaign} match. ${more}\n${skips}`;
  }
  const past = verb === 'redrive' ? 'redriven' : 'discarded';
  const again = left > skipped.length ? ' The same command goes on with them.' : '';
  return `${whole(done)} dead letters of ${campaign} ${past}, ${whole(left)} left.${again}\n${skips}`;
}
