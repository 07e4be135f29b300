// A carrier of tickets in one process, and the gate's settlement beside it: the promises of the ports without a server.
import type { Batch, Entry, TicketSource } from '../../src/broker/port.ts';
import type { TicketException } from '../../src/domain/ticket-state.ts';
import type { Settlement } from '../../src/gate/port.ts';

interface CarriedEntry extends Entry {
  campaign: string;
  shard: number;
  /** Who received it last, and when. */
  owner?: string;
  receivedAt?: number;
}

export interface MemoryCarrier {
  /** One live source per name; one that is opened again takes up what its predecessor had received. */
  open(name: string): TicketSource;
  settlement: Settlement;
  /** What a gate does for its streams. */
  append(campaign: string, shard: number, entry: Entry): void;
  /** Entries that are not settled. */
  waitingCount(campaign: string): number;
  /** What was said of single tickets when they were settled, by seq. */
  exceptionsOf(campaign: string): ReadonlyMap<number, TicketException>;
}

export interface MemoryCarrierOptions {
  batchMax: number;
  claimIdleMs: number;
  /** Ms by any clock. */
  clock: () => number;
}

export function createMemoryCarrier(options: MemoryCarrierOptions): MemoryCarrier {
  const entries = new Map<string, CarriedEntry>();
  const exceptions = new Map<string, Map<number, TicketException>>();
  const wakers = new Set<() => void>();
  const exceptionsOf = (campaign: string) => {
    const found = exceptions.get(campaign) ?? new Map<number, TicketException>();
    exceptions.set(campaign, found);
    return found;
  };
  return {
    open: (name) => new MemorySource(entries, wakers, options, name),
    settlement: {
      async settle({ campaign, entries: settled }, told) {
        const first = settled.filter(({ seq }) => entries.delete(`${campaign}/${seq}`)).map(({ seq }) => seq);
        for (const exception of told)
          if (first.includes(exception.seq)) exceptionsOf(campaign).set(exception.seq, exception);
        return first.length;
      },
    },
    append(campaign, shard, entry) {
      entries.set(`${campaign}/${entry.seq}`, { ...entry, campaign, shard });
      for (const wake of wakers) wake();
    },
    waitingCount: (campaign) => [...entries.values()].filter((entry) => entry.campaign === campaign).length,
    exceptionsOf,
  };
}

class MemorySource implements TicketSource {
  private readonly entries: Map<string, CarriedEntry>;
  private readonly wakers: Set<() => void>;
  private readonly options: MemoryCarrierOptions;
  private readonly name: string;
  private readonly inHand = new Set<string>();
  /** Shards whose own entries have been taken up: a source that comes back has lost what it had in memory. */
  private readonly takenUp = new Set<string>();

  constructor(
    entries: Map<string, CarriedEntry>,
    wakers: Set<() => void>,
    options: MemoryCarrierOptions,
    name: string,
  ) {
    this.entries = entries;
    this.wakers = wakers;
    this.options = options;
    this.name = name;
  }

  async receive(waitMs: number): Promise<Batch[]> {
    const found = this.takeAll();
    if (found.length > 0) return found;
    await wakeUp(this.wakers, waitMs);
    return this.takeAll();
  }

  release(batch: Batch, how: 'settled' | 'unsettled'): void {
    const shard = shardNameOf(batch);
    if (how === 'unsettled') this.takenUp.delete(shard);
    this.inHand.delete(shard);
  }

  async close(): Promise<Batch[]> {
    return [];
  }

  private takeAll(): Batch[] {
    const shards = Map.groupBy(this.entries.values(), shardNameOf);
    return [...shards].flatMap(([name, entries]) => (this.inHand.has(name) ? [] : this.take(name, entries)));
  }

  private take(shardName: string, entries: CarriedEntry[]): Batch[] {
    const { batchMax, claimIdleMs, clock } = this.options;
    const own = this.takenUp.has(shardName) ? [] : entries.filter(({ owner }) => owner === this.name);
    const silent = entries.filter(({ receivedAt }) => receivedAt !== undefined && receivedAt + claimIdleMs <= clock());
    const fresh = entries.filter(({ owner }) => owner === undefined);
    if (own.length === 0) this.takenUp.add(shardName);
    const found = [own, silent, fresh].find((list) => list.length > 0)?.toSorted((a, b) => a.seq - b.seq) ?? [];
    const taken = found.slice(0, batchMax);
    if (taken.length === 0) return [];
    const receivedAt = clock();
    for (const entry of taken) Object.assign(entry, { owner: this.name, receivedAt });
    this.inHand.add(shardName);
    const { campaign, shard } = taken[0]!;
    const mayBeElsewhere = () => clock() >= receivedAt + claimIdleMs;
    return [{ campaign, epoch: 1, shard, entries: taken.map(({ seq, fields }) => ({ seq, fields })), mayBeElsewhere }];
  }
}

const shardNameOf = ({ campaign, shard }: { campaign: string; shard: number }): string => `${campaign}/${shard}`;

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
