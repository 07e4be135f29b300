// How often one user may join. Everybody is counted roughly in process, for nothing; only a user whose count is high is
// counted exactly and over all fronts, in Redis, so that an honest crowd costs the store nothing. Redis away: the exact
// count goes on in process.
import { hash } from 'node:crypto';
import type { Quota } from './problems.ts';

export interface ClientLimits {
  /** Ms to wait when this user joins too often, else undefined. */
  refuseJoin(user: string): Promise<number> | undefined;
  quota: Quota;
}

export interface ClientLimitsDeps {
  /** Joins per second and user that are never questioned; 0 for no limit at all. */
  joinsPerSecond: number;
  windowSeconds: number;
  /** Counts those above it, with as many points a window again: ms to wait, or 0. */
  countShared: (client: string) => Promise<number>;
  clock: () => number;
}

/** Cells of the rough count: users who share one are questioned earlier, never refused for one another. */
const CELLS = 1 << 20;

export function createClientLimits(deps: ClientLimitsDeps): ClientLimits {
  const { joinsPerSecond, windowSeconds } = deps;
  const quota = { name: 'joins-per-user', count: joinsPerSecond * windowSeconds, windowSeconds };
  if (joinsPerSecond === 0) return { refuseJoin: () => undefined, quota };
  const allowance = Math.min(250, Math.ceil((joinsPerSecond * windowSeconds) / 2));
  const counts = new Uint8Array(CELLS);
  let windowEndsAt = 0;
  return {
    quota,
    refuseJoin(user) {
      const now = deps.clock();
      if (now >= windowEndsAt || windowEndsAt - now > windowSeconds * 1_000) {
        counts.fill(0);
        windowEndsAt = now + windowSeconds * 1_000;
      }
      const cell = cellOf(user);
      if (counts[cell]! < allowance) {
        counts[cell]! += 1;
        return undefined;
      }
      // A digest: nothing a user typed is ever part of a Redis key.
      return deps.countShared(hash('sha256', user, 'base64url'));
    },
  };
}

/** FNV-1a. */
function cellOf(user: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < user.length; i += 1) hash = Math.imul(hash ^ user.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % CELLS;
}
