// Whether a worker does its work: a process that is up and reads nothing looks healthy from everywhere but here.
import type { Readiness } from '../src/domain/readiness.ts';
import { limits } from '../src/process/limits.ts';

export interface WorkerHealth {
  /** To be called whenever lanes were looked at for campaigns with tickets, by the name of these lanes. */
  looked: (lanes: string) => void;
  /** To be called when a campaign with tickets could not be read, and when it was, or has none any more. */
  unreadable: (campaign: string) => void;
  read: (campaign: string) => void;
  /** Whether it can issue: it reaches the ledger, and has read lately what it reads. */
  readiness: () => Readiness;
}

/** `now` in ms of any clock that only goes forward. */
export function createWorkerHealth(isLedgerAway: () => boolean, now = () => performance.now()): WorkerHealth {
  const lookedAt = new Map<string, number>();
  const unreadableSince = new Map<string, number>();
  const isStale = (at: number) => now() - at > limits.readStaleMs;
  const isUnread = () => lookedAt.size === 0 || [...lookedAt.values()].some(isStale);
  return {
    looked: (lanes) => void lookedAt.set(lanes, now()),
    unreadable: (campaign) => {
      if (!unreadableSince.has(campaign)) unreadableSince.set(campaign, now());
    },
    read: (campaign) => void unreadableSince.delete(campaign),
    readiness: () => ({
      // While the ledger is away a worker reads nothing on purpose.
      reasons: isLedgerAway()
        ? ['ledger-unreachable']
        : [
            ...(isUnread() ? ['campaigns-read-stale'] : []),
            ...named([...unreadableSince].filter(([, at]) => isStale(at)).map(([campaign]) => campaign)),
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
