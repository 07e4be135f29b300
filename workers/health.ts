// Whether a worker does its work: a process that is up and reads nothing looks healthy from everywhere but here.
import type { Readiness } from '../src/domain/readiness.ts';
import { limits } from '../src/process/limits.ts';

export interface WorkerHealth {
  /** To be called whenever lanes were looked at for campaigns with tickets, by the name of these lanes. */
  looked: (lanes: string) => void;
  /** To be called when they could not be looked at; `cause` is a slug. */
  notLooked: (lanes: string, cause: string) => void;
  /** To be called when a campaign with tickets could not be read, and when it was, or has none any more. */
  unreadable: (campaign: string) => void;
  read: (campaign: string) => void;
  /** Whether it can issue: it reaches both stores, and has read lately what it reads. */
  readiness: () => Readiness;
}

export interface WorkerHealthDeps {
  isLedgerAway: () => boolean;
  /** Whether the connection for commands is down: without it no ticket is settled, whatever the reads do. */
  isRedisAway: () => boolean;
  /** Ms of any clock that only goes forward. */
  now?: () => number;
}

export function createWorkerHealth(deps: WorkerHealthDeps): WorkerHealth {
  const { isLedgerAway, isRedisAway, now = () => performance.now() } = deps;
  const causes = new Map<string, string>();
  const lookedAt = new Map<string, number>();
  const unreadableSince = new Map<string, number>();
  const isStale = (at: number) => now() - at > limits.readStaleMs;
  const isUnread = () => lookedAt.size === 0 || [...lookedAt.values()].some(isStale);
  return {
    looked: (lanes) => {
      lookedAt.set(lanes, now());
      causes.delete(lanes);
    },
    notLooked: (lanes, cause) => void causes.set(lanes, cause),
    unreadable: (campaign) => {
      if (!unreadableSince.has(campaign)) unreadableSince.set(campaign, now());
    },
    read: (campaign) => void unreadableSince.delete(campaign),
    readiness: () => ({
      // While the ledger is away a worker reads nothing on purpose.
      reasons: [
        ...(isRedisAway() ? ['redis-unreachable'] : []),
        ...(isLedgerAway()
          ? ['ledger-unreachable']
          : [
              ...(isUnread() ? ['campaigns-read-stale', ...new Set(causes.values())] : []),
              ...named([...unreadableSince].filter(([, at]) => isStale(at)).map(([campaign]) => campaign)),
            ]),
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
