// Tickets that the relay has carried to Kafka. What is settled the gate alone knows: before a worker is given an entry, the
// gate says that it waits, and puts it into this worker's hands; a record without such an entry is done without a word.
import { within } from '../../process/lifecycle.ts';
import type { Batch, TicketSource } from '../port.ts';
import { GroupReader, type GroupReaderDeps } from './group-reader.ts';
import { type Taken, Waiting } from './waiting.ts';

export interface KafkaSourceDeps extends Omit<GroupReaderDeps, 'onFetched' | 'onRevoked'> {
  /**
   * Takes entries of shards of one campaign and epoch into a worker's hands, those from one seq to another; for each shard it
   * says which of them wait. Throws a Fault.
   */
  claim: (of: { campaign: string; epoch: number; spans: readonly SeqSpan[] }) => Promise<Waits[]>;
  batchMax: number;
  /** What has been in hand for this long may be another worker's; a worker that has not asked for this long leaves the group. */
  claimIdleMs: number;
  /** Tickets that this worker may have in hand, about. */
  inHandMax: number;
}

/** Seqs of one shard, both ends included. */
export interface SeqSpan {
  shard: number;
  first: number;
  last: number;
}

/** Whether the entry of this seq waits for a worker. */
export type Waits = (seq: number) => boolean;

export const createKafkaSource = (deps: KafkaSourceDeps): TicketSource => new KafkaSource(deps);

class KafkaSource implements TicketSource {
  private readonly deps: KafkaSourceDeps;
  private readonly reader: GroupReader;
  private readonly waiting = new Waiting();
  private readonly takenOf = new Map<Batch, Taken>();
  private readonly watchdog: NodeJS.Timeout;
  private arrived = Promise.withResolvers<void>();
  private askedAt = performance.now();
  private isClosed = false;

  constructor(deps: KafkaSourceDeps) {
    this.deps = deps;
    this.reader = new GroupReader({
      ...deps,
      onFetched: (found) => {
        for (const fetched of found) this.waiting.add(fetched);
        this.arrived.resolve();
        this.reader.commitSoon();
      },
      onRevoked: () => this.waiting.dropForeign(),
    });
    this.watchdog = setInterval(() => this.lookAfterOld(), deps.claimIdleMs / 3);
  }

  async receive(waitMs: number): Promise<Batch[]> {
    if (this.isClosed) return [];
    this.askedAt = performance.now();
    this.reader.want(true);
    this.arrived = Promise.withResolvers();
    const found = await this.take();
    if (found.length > 0) return found;
    await within(waitMs, this.arrived.promise);
    return this.isClosed ? [] : this.take();
  }

  release(batch: Batch, how: 'settled' | 'unsettled'): void {
    const taken = this.takenOf.get(batch);
    this.takenOf.delete(batch);
    if (taken === undefined) return;
    if (how === 'settled') this.waiting.done(taken);
    else this.waiting.putBack(taken);
    this.reader.commitSoon();
    this.reader.wake();
    this.arrived.resolve();
  }

  async close(): Promise<Batch[]> {
    this.isClosed = true;
    clearInterval(this.watchdog);
    this.arrived.resolve();
    await this.reader.close();
    return [];
  }

  /** Until a claim brings entries that wait, or nothing is left: a backlog of records that are done is passed over at once. */
  private async take(): Promise<Batch[]> {
    for (;;) {
      const taken = this.waiting.take(this.room(), this.deps.batchMax);
      if (taken.length === 0) return [];
      const byGate = Map.groupBy(taken, ({ campaign, epoch }) => `${campaign}/${epoch}`);
      const claimed = (await Promise.all([...byGate.values()].map((some) => this.claim(some)))).flat();
      const batches = claimed.filter((batch) => batch !== 'void' && batch !== 'unknown');
      this.reader.commitSoon();
      this.reader.wake();
      if (batches.length > 0 || claimed.includes('unknown') || this.isClosed) return batches;
    }
  }

  /** Of one gate. `void` where nothing waits any more, `unknown` while the gate cannot be asked. */
  private async claim(taken: readonly Taken[]): Promise<(Batch | 'void' | 'unknown')[]> {
    const { campaign, epoch } = taken[0]!;
    const elsewhereAt = performance.now() + this.deps.claimIdleMs;
    const spans = taken.map(({ shard, fetched }) => {
      return { shard, first: fetched[0]!.entry.seq, last: fetched.at(-1)!.entry.seq };
    });
    try {
      const waits = await this.deps.claim({ campaign, epoch, spans });
      return taken.map((one, index) => this.batchOf(one, waits[index]!, elsewhereAt));
    } catch (error) {
      this.deps.onError(error);
      for (const one of taken) this.waiting.putBack(one);
      return ['unknown'];
    }
  }

  private batchOf(taken: Taken, waits: Waits, elsewhereAt: number): Batch | 'void' {
    const { campaign, epoch, shard, fetched } = taken;
    const entries = fetched.map(({ entry }) => entry).filter(({ seq }) => waits(seq));
    if (entries.length === 0) {
      this.waiting.done(taken);
      return 'void';
    }
    const batch = { campaign, epoch, shard, entries, mayBeElsewhere: () => performance.now() >= elsewhereAt };
    this.takenOf.set(batch, taken);
    return batch;
  }

  private room(): number {
    let count = 0;
    for (const { fetched } of this.takenOf.values()) count += fetched.length;
    return this.deps.inHandMax - count;
  }

  private lookAfterOld(): void {
    const before = performance.now() - this.deps.claimIdleMs;
    if (this.askedAt < before) void this.reader.leave();
    this.waiting.putBackOld(before);
    // A record that nobody settles must not keep the others of its partition from being fetched: the relay carries it again.
    for (const window of this.reader.fullWindows) this.waiting.drop(window.openSince(before));
    this.reader.commitSoon();
  }
}
