// The broker in one process: for tests of duties, and for whoever wants to see the port's promises without a server.
import type { Clock } from '../domain/clock.ts';
import type { TicketException } from '../domain/ticket-state.ts';
import type { Batch, Broker, Consumer, Entry } from './port.ts';

interface MemoryEntry extends Entry {
  shard: number;
  owner?: string;
  receivedAt?: number;
}

export interface MemoryBroker extends Broker {
  /** What the gate script does for Redis Streams. */
  append(campaign: string, shard: number, entry: Entry): void;
  /** What was said of single tickets when they were settled, by seq. */
  exceptionsOf(campaign: string): ReadonlyMap<number, TicketException>;
}

export function createMemoryBroker(deps: { batchMax: number; claimIdleMs: number; clock: Clock }): MemoryBroker {
  const streams = new Map<string, MemoryEntry[]>();
  const exceptions = new Map<string, Map<number, TicketException>>();
  const wakers = new Set<() => void>();
  const streamOf = (campaign: string) => getOrMake(streams, campaign, () => []);

  function consumer(campaign: string, shards: number, name: string): Consumer {
    const inHand = new Set<number>();
    // A name that comes back has lost what its predecessor had in memory: its own entries are read again.
    const unread = new Set(Array.from({ length: shards }, (_, shard) => shard));

    function take(shard: number): Batch[] {
      const mine = streamOf(campaign).filter((entry) => entry.shard === shard);
      const silent = deps.clock() - deps.claimIdleMs;
      const own = unread.has(shard) ? mine.filter((entry) => entry.owner === name) : [];
      const stale = mine.filter((entry) => entry.owner !== undefined && entry.receivedAt! <= silent);
      const fresh = mine.filter((entry) => entry.owner === undefined);
      const found = [own, stale, fresh].find((list) => list.length > 0)?.slice(0, deps.batchMax) ?? [];
      if (own.length === 0) unread.delete(shard);
      if (found.length === 0) return [];
      for (const entry of found) Object.assign(entry, { owner: name, receivedAt: deps.clock() });
      inHand.add(shard);
      const entries = found.map(({ seq, fields }) => ({ seq, fields })).toSorted((a, b) => a.seq - b.seq);
      return [{ shard, entries, redelivered: found.some((entry) => own.includes(entry) || stale.includes(entry)) }];
    }
    const takeAll = () =>
      Array.from({ length: shards }, (_, shard) => shard).flatMap((shard) => (inHand.has(shard) ? [] : take(shard)));

    return {
      async receive(waitMs) {
        const now = takeAll();
        if (now.length > 0) return now;
        await wakeUp(wakers, waitMs);
        return takeAll();
      },
      async settle(batch, told) {
        const seqs = new Set(batch.entries.map((entry) => entry.seq));
        const kept = streamOf(campaign).filter((entry) => entry.shard !== batch.shard || !seqs.has(entry.seq));
        const settled = new Set(
          streamOf(campaign)
            .filter((entry) => !kept.includes(entry))
            .map((entry) => entry.seq),
        );
        streams.set(campaign, kept);
        const known = getOrMake(exceptions, campaign, () => new Map());
        for (const exception of told) if (settled.has(exception.seq)) known.set(exception.seq, exception);
        inHand.delete(batch.shard);
        return settled.size;
      },
      release(batch) {
        unread.add(batch.shard);
        inHand.delete(batch.shard);
      },
      close: async () => undefined,
    };
  }

  return {
    consume: async ({ id, shards }, name) => consumer(id, shards, name),
    async lag(campaign, shards) {
      return Array.from({ length: shards }, (_, shard) => {
        const mine = streamOf(campaign).filter((entry) => entry.shard === shard);
        const pendingCount = mine.filter((entry) => entry.owner !== undefined).length;
        return { shard, pendingCount, undeliveredCount: mine.length - pendingCount };
      });
    },
    append(campaign, shard, entry) {
      streamOf(campaign).push({ ...entry, shard });
      for (const wake of wakers) wake();
    },
    exceptionsOf: (campaign) => exceptions.get(campaign) ?? new Map(),
    close: async () => undefined,
  };
}

function wakeUp(wakers: Set<() => void>, waitMs: number): Promise<void> {
  return new Promise((resolve) => {
    const wake = () => {
      clearTimeout(timer);
      wakers.delete(wake);
      resolve();
    };
    const timer = setTimeout(wake, waitMs);
    wakers.add(wake);
  });
}

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key) ?? make();
  map.set(key, found);
  return found;
}
