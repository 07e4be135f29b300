// Whether a worker does its work: a process that is up and reads nothing looks healthy from everywhere but here.
import type { Broker } from '../src/broker/port.ts';
import { limits } from '../src/limits.ts';

export interface WorkerHealth {
  /** To be called after every look at the campaigns that went well. */
  looked(): void;
  /** The same broker, whose reads are noted. */
  noting(broker: Broker): Broker;
  /** What has not been read lately; empty when all is well. */
  missing(): string[];
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
    missing: () => [
      ...(isLedgerAway() ? ['ledger'] : []),
      ...(isStale(lookedAt) ? ['a look at the campaigns'] : []),
      ...[...readAt].filter(([, at]) => isStale(at)).map(([campaign]) => `a read of ${campaign}`),
    ],
  };
}
