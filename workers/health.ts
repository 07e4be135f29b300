// Whether a worker does its work: a process that is up and reads nothing looks healthy from everywhere but here.
import type { Readiness } from '../src/domain/readiness.ts';
import { limits } from '../src/process/limits.ts';

export interface WorkerHealth {
  /** To be called after every look at the campaigns that went well. */
  looked: () => void;
  /** To be called whenever a campaign's streams were read, and when they are to be read no more. */
  read: (campaign: string) => void;
  left: (campaign: string) => void;
  /** Whether it can issue: it reaches the ledger, and has read lately what it reads. */
  readiness: () => Readiness;
}

/** `now` in ms of any clock that only goes forward. */
export function createWorkerHealth(isLedgerAway: () => boolean, now = () => performance.now()): WorkerHealth {
  let lookedAt = Number.NEGATIVE_INFINITY;
  const readAt = new Map<string, number>();
  const isStale = (at: number) => now() - at > limits.readStaleMs;
  return {
    looked: () => {
      lookedAt = now();
    },
    read: (campaign) => void readAt.set(campaign, now()),
    left: (campaign) => void readAt.delete(campaign),
    readiness: () => ({
      reasons: [
        ...(isLedgerAway() ? ['ledger-unreachable'] : []),
        ...(isStale(lookedAt) ? ['campaigns-read-stale'] : []),
        ...named([...readAt].filter(([, at]) => isStale(at)).map(([campaign]) => campaign)),
      ],
      warnings: [],
    }),
  };
}

function named(campaigns: readonly string[]): string[] {
  const rest = campaigns.length - limits.namedMax;
  const slugs = campaigns.slice(0, limits.namedMax).map((campaign) => `stream-read-stale:${campaign}`);
  return rest > 0 ? [...slugs, `stream-read-stale:and-${rest}-more`] : slugs;
}
