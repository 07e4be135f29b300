// Tickets that the relay has carried to Kafka. What is settled the gate alone knows: before a worker is given an entry, the
// gate says that it waits, and puts it into this worker's hands; a record without such an entry is done without a word.
import { within } from '../../process/lifecycle.ts';
import type { Batch, TicketSource } from '../port.ts';
import { GroupReader, type GroupReaderDeps } from './group-reader.ts';
import { type Taken, Waiting } from './waiting.ts';

export interface KafkaSourceDeps extends Omit<GroupReaderDeps, 'onRecords' | 'onRevoked'> {
  /** Takes the entries of a batch into this worker's hands; returns the seqs that wait. Throws a Fault. */
  claim: (batch: { campaign: string; epoch: number; shard: number; entries: Batch['entries'] }) => Promise<Set<number>>;
  batchMax: number;
  /** What has been in hand for this long may be another worker's; a worker that has not asked for this long leaves the group. */
  claimIdleMs: number;
  /** Tickets that this worker may have in hand, about. */
  inHandMax: number;
}

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
      onRecords: (records) => {
        for (const record of records) this.waiting.add(record);
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
      const claimed = await Promise.all(taken.map((one) => this.claim(one)));
      const batches = claimed.filter((batch) => batch !== 'void' && batch !== 'unknown');
      this.reader.commitSoon();
      this.reader.wake();
      if (batches.length > 0 || claimed.includes('unknown') || this.isClosed) return batches;
    }
  }

  /** `void` when nothing of it waits any more, `unknown` while the gate cannot be asked. */
  private async claim(taken: Taken): Promise<Batch | 'void' | 'unknown'> {
    const { campaign, epoch, shard, records } = taken;
    const askedAt = performance.now();
    try {
      const waiting = await this.deps.claim({ campaign, epoch, shard, entries: records.map(({ entry }) => entry) });
      const entries = records.filter(({ entry }) => waiting.has(entry.seq)).map(({ entry }) => entry);
      if (entries.length === 0) {
        this.waiting.done(taken);
        return 'void';
      }
      const elsewhereAt = askedAt + this.deps.claimIdleMs;
      const batch = { campaign, epoch, shard, entries, mayBeElsewhere: () => performance.now() >= elsewhereAt };
      this.takenOf.set(batch, taken);
      return batch;
    } catch (error) {
      this.deps.onError(error);
      this.waiting.putBack(taken);
      return 'unknown';
    }
  }

  private room(): number {
    let count = 0;
    for (const { records } of this.takenOf.values()) count += records.length;
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
