// What a check found, and what is known of a server: said or not said.
import { limits } from '../process/limits.ts';

/** `broken` breaks a promise; `unknown` could not be looked at and counts as a warning. */
export type Status = 'ok' | 'warning' | 'broken' | 'unknown';

export interface Finding {
  /** `redis-eviction`: stable, for scripts. */
  check: string;
  status: Status;
  found: string;
  /** Why that matters; empty when it is ok. */
  means: string;
  /** What to do about it; empty when it is ok. */
  remedy: string;
}

/** What a server told, or why it did not. */
export type Fact<T> = { told: T } | { untold: string };

/** Names and values as INFO, CONFIG GET and SHOW VARIABLES tell them. */
export type Fields = Readonly<Record<string, string>>;

/** A server's clock: how far it is ahead of ours, in ms, and by how much that may be wrong (half the round trip). */
export interface ClockReading {
  aheadMs: number;
  doubtMs: number;
}

type Words = Pick<Finding, 'found' | 'means' | 'remedy'>;

export const ok = (check: string, found: string): Finding => ({ check, status: 'ok', found, means: '', remedy: '' });
export const warning = (check: string, words: Words): Finding => ({ check, status: 'warning', ...words });
export const broken = (check: string, words: Words): Finding => ({ check, status: 'broken', ...words });

export const unknown = (check: string, why: string): Finding => ({
  check,
  status: 'unknown',
  found: why,
  means: 'doctor could not read this',
  remedy: 'allow this user to read it, or check it in another way',
});

/** The judgement of what was told, or `unknown` with the reason. */
export function judged<T>(check: string, fact: Fact<T>, judge: (told: T) => Finding): Finding {
  return 'untold' in fact ? unknown(check, fact.untold) : judge(fact.told);
}

/** Resolves with what `read` gave, or with the first line of what it threw; never rejects. */
export async function factOf<T>(read: () => Promise<T>): Promise<Fact<T>> {
  try {
    return { told: await read() };
  } catch (error) {
    return { untold: reasonOf(error) };
  }
}

export const reasonOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n')[0]!.slice(0, 200);

/** The first names, and how many more there are. */
export function listed(names: readonly string[]): string {
  const rest = names.length - limits.namedMax;
  return `${names.slice(0, limits.namedMax).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}
