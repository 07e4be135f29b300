// Whether a worker does its work: a process that is up and reads nothing looks healthy from everywhere but here.
import type { Broker } from '../src/broker/port.ts';
import type { Readiness } from '../src/domain/readiness.ts';
import { limits } from '../src/process/limits.ts';

export interface WorkerHealth {
  /** To be called after every look at the campaigns that went well. */
  looked(): void;
  /** The same broker, whose reads are noted. */
  noting(broker: Broker): Broker;
  /** Whether it can issue: it reaches the ledger, and has read lately what it reads. */
  readiness(): Readiness;
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
    noting: (broker) => ({
      ...broker,
      async consume(campaign, name) {
        const consumer = await broker.consume(campaign, name);
        readAt.set(campaign.id, now());
        return {
          ...consumer,
          async receive(waitMs) {
            const batches = await consumer.receive(waitMs);
            readAt.set(campaign.id, now());
            return batches;
          },
          close() {
            readAt.delete(campaign.id);
            return consumer.close();
          },
        };
      },
    }),
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
