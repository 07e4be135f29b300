// User ids of the bench: 16 printable bytes, unique within a run of one name, in scattered order like a real crowd.
import { hash } from 'node:crypto';

/** Multiplying by an odd number permutes the 32-bit integers; this one keeps n × factor exact up to n = 3.3 million. */
export const SCATTER = 2_654_435_761;

/** Eight hexadecimal characters that tell one run from another. */
export const crowdPrefix = (run: string): string => hash('sha256', run, 'hex').slice(0, 8);

/** The user id of the n-th member of a run's crowd. */
export function crowd(run: string, n: number): string {
  return crowdPrefix(run) + ((n * SCATTER) % 2 ** 32).toString(16).padStart(8, '0');
}
