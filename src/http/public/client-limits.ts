// How often one user, or one address, may join. Everybody is counted roughly in process, for nothing; only a client whose
// count is high is counted exactly and over all fronts, in Redis, so that an honest crowd costs the store nothing. Redis
// away: the exact count goes on in process.
import { hash } from 'node:crypto';
import { limits } from '../../process/limits.ts';
import type { Quota } from '../problems.ts';
import { createRoughCount } from '../rough-count.ts';

export interface ClientLimit {
  /** Ms to wait when this client asks too often (0: it does not), else undefined; promised only where a store is asked. */
  refuse(client: string): number | Promise<number> | undefined;
  quota: Quota;
}

export interface JoinLimitsDeps {
  /** Joins per second that are never questioned, of a user and of all users of an address; 0 for no limit at all. */
  joinsPerSecond: number;
  joinsPerAddressPerSecond: number;
  /** A count over all fronts: `points` a window, then ms to wait. */
  openCount: (points: number, windowSeconds: number) => (client: string) => Promise<number>;
  now: () => number;
}

export function createJoinLimits(deps: JoinLimitsDeps): { user: ClientLimit; address: ClientLimit } {
  return {
    user: createLimit(deps, 'joins-per-user', deps.joinsPerSecond),
    address: createLimit(deps, 'joins-per-address', deps.joinsPerAddressPerSecond),
  };
}

/** Refused clients that are remembered, 200 bytes each; beyond that all are asked about again. */
const REFUSED_MAX = 10_000;

function createLimit({ openCount, now }: JoinLimitsDeps, name: string, joinsPerSecond: number): ClientLimit {
  const windowSeconds = limits.clientWindowSeconds;
  const quota = { name, count: joinsPerSecond * windowSeconds, windowSeconds };
  if (joinsPerSecond === 0) return { refuse: () => undefined, quota };
  // Half of it each front lets pass without asking; the other half is counted over all of them.
  const half = Math.ceil(quota.count / 2);
  const allowance = Math.min(half, 65_535);
  const countShared = openCount(half, windowSeconds);
  // Clients who share a cell are questioned earlier, never refused for one another.
  const counts = createRoughCount(now);
  /** Until when each is refused that was found to ask too often: it is told so at once, for next to nothing. */
  const refusedUntil = new Map<string, number>();
  return {
    quota,
    refuse(client) {
      if (counts.of(client) < allowance) {
        counts.add(client);
        return undefined;
      }
      const leftMs = (refusedUntil.get(client) ?? 0) - now();
      if (leftMs > 0) return leftMs;
      // A digest: nothing a user typed is ever part of a Redis key, and a user named like an address is not one.
      return countShared(hash('sha256', `${name}\0${client}`, 'base64url')).then((waitMs) => {
        if (refusedUntil.size >= REFUSED_MAX) refusedUntil.clear();
        if (waitMs > 0) refusedUntil.set(client, now() + waitMs);
        else refusedUntil.delete(client);
        return waitMs;
      });
    },
  };
}
