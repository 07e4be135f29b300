// Counts what clients do in a window, in process and in bounded memory: a cell for each hash of a client. The hash is
// seeded for each process, so that nobody can choose a name that shares the cell of somebody else's.
import { randomInt } from 'node:crypto';
import { limits } from '../process/limits.ts';

export interface RoughCount {
  /** What this client's cell holds in the present window: the client's own count or more, up to 65,535. */
  of(client: string): number;
  /** Adds one. */
  add(client: string): void;
  /** Ms until the window ends, and all counts with it. */
  leftMs(): number;
}

const CELLS = 1 << 20;
const COUNT_MAX = 65_535;

export function createRoughCount(clock: () => number): RoughCount {
  const windowMs = limits.clientWindowSeconds * 1_000;
  const counts = new Uint16Array(CELLS);
  const seed = randomInt(2 ** 32);
  let windowEndsAt = 0;
  const roll = (): number => {
    const now = clock();
    if (now >= windowEndsAt) {
      counts.fill(0);
      windowEndsAt = now + windowMs;
    }
    return windowEndsAt - now;
  };
  return {
    of(client) {
      roll();
      return counts[cellOf(client, seed)]!;
    },
    add(client) {
      roll();
      const cell = cellOf(client, seed);
      counts[cell] = Math.min(COUNT_MAX, counts[cell]! + 1);
    },
    leftMs: roll,
  };
}

/** FNV-1a from a secret start, and the finish of MurmurHash3: without it the low bits would not depend on the seed. */
function cellOf(client: string, seed: number): number {
  let hash = seed ^ 0x811c9dc5;
  for (let i = 0; i < client.length; i += 1) hash = Math.imul(hash ^ client.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) % CELLS;
}
