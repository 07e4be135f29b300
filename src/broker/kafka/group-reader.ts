// One worker as a member of the consumer group: which partitions are its own, what is in them, and how far the group is done.
//
// A commit says only what need not be fetched again; the gate knows what is settled. So a commit may be lost or come late, and
// a partition may be two workers' for a moment.
import type { ConnectionPool, Consumer } from '@platformatic/kafka';
import { backoffMs, pause } from '../../process/lifecycle.ts';
import { limits } from '../../process/limits.ts';
import { decodeBlock } from './record.ts';
import { type FetchedEntry, PartitionWindow } from './window.ts';

export interface GroupReaderDeps {
  /** Of the classic protocol, without autocommit; the reader closes it. */
  consumer: Consumer;
  /** For fetches alone: a broker answers one request of a connection at a time, and a fetch waits. */
  fetchPool: ConnectionPool;
  topic: string;
  /** Of the relay's records: others are passed over. */
  sealKey: Buffer;
  /** Takes what a fetch found, by record, in order of offset. */
  onFetched: (found: FetchedEntry[][]) => void;
  /** Partitions that were this worker's are another's. */
  onRevoked: () => void;
  /** A fetch went well, with or without records. */
  onLook: () => void;
  onError: (error: unknown) => void;
}

type FetchResponse = Awaited<ReturnType<Consumer['fetch']>>;

const EARLIEST = -2n;

export class GroupReader {
  private readonly deps: GroupReaderDeps;
  private readonly windows = new Map<number, PartitionWindow>();
  private readonly fetching = new Set<number>();
  private readonly closing = new AbortController();
  private changed = Promise.withResolvers<void>();
  private running: Promise<void> | undefined;
  private committing: Promise<void> | undefined;
  private leaving: Promise<void> = Promise.resolve();
  private isMember = false;
  private isWanted = false;
  private failureCount = 0;

  constructor(deps: GroupReaderDeps) {
    this.deps = deps;
    const { consumer, topic } = deps;
    consumer.topics.trackAll(topic);
    consumer.on('consumer:group:join', () => void this.meet());
  }

  /** Fetches from now on, as a member of the group; or fetches nothing more, and stays one. */
  want(isWanted: boolean): void {
    this.isWanted = isWanted;
    if (isWanted) this.running ??= this.run();
    this.wake();
  }

  wake(): void {
    this.changed.resolve();
  }

  /** Its partitions become others', what is done of them committed before. */
  async leave(): Promise<void> {
    this.isWanted = false;
    if (!this.isMember) return this.leaving;
    this.isMember = false;
    this.leaving = this.commit()
      .catch(this.deps.onError)
      .then(() => this.revoke([...this.windows.keys()]))
      .then(() => this.deps.consumer.leaveGroup())
      .catch(this.deps.onError);
    await this.leaving;
  }

  async close(): Promise<void> {
    this.closing.abort();
    this.wake();
    await this.leave();
    await this.running;
    const { consumer, fetchPool, onError } = this.deps;
    await consumer.close(true).catch(onError);
    // Its type leaves out what it returns.
    await Promise.resolve(fetchPool.close()).catch(onError);
  }

  /** Commits what is done, soon and not too often. */
  commitSoon(): void {
    this.committing ??= pause(limits.kafkaCommitMs, this.closing.signal)
      .then(() => this.commit())
      .catch(this.deps.onError)
      .finally(() => {
        this.committing = undefined;
      });
  }

  /** Those of which nothing more is fetched until something of them is done. */
  get fullWindows(): PartitionWindow[] {
    return this.ownWindows.filter(({ size }) => size >= limits.kafkaWindowMax);
  }

  private get ownWindows(): PartitionWindow[] {
    return [...this.windows.values()];
  }

  private async commit(): Promise<void> {
    const owned = new Set(this.assigned());
    const due = this.ownWindows.filter(({ partition, committable, committed }) => {
      return owned.has(partition) && committable > committed;
    });
    if (due.length === 0) return;
    const { consumer, topic } = this.deps;
    const offsets = due.map(({ partition, committable }) => ({
      topic,
      partition,
      offset: committable,
      leaderEpoch: -1,
    }));
    await consumer.commit({ offsets });
    for (const [index, window] of due.entries()) window.committed = offsets[index]!.offset;
  }

  private assigned = (): number[] =>
    (this.deps.consumer.assignments ?? [])
      .filter(({ topic }) => topic === this.deps.topic)
      .flatMap(({ partitions }) => partitions);

  /** The group has told what is whose. */
  private async meet(): Promise<void> {
    const assigned = new Set(this.assigned());
    this.revoke([...this.windows.keys()].filter((partition) => !assigned.has(partition)));
    this.wake();
  }

  private revoke(partitions: readonly number[]): void {
    for (const partition of partitions) {
      const window = this.windows.get(partition);
      if (window !== undefined) window.isOurs = false;
      this.windows.delete(partition);
    }
    if (partitions.length > 0) this.deps.onRevoked();
  }

  private async run(): Promise<void> {
    const { signal } = this.closing;
    while (!signal.aborted) {
      this.changed = Promise.withResolvers();
      try {
        if (this.isWanted) await this.fetchAll();
        await this.changed.promise;
      } catch (error) {
        await this.fail(error);
      }
    }
  }

  private async fail(error: unknown): Promise<void> {
    if (this.closing.signal.aborted) return;
    this.deps.onError(error);
    const ms = backoffMs(this.failureCount++, limits.backoffMinMs, limits.backoffMaxMs);
    await pause(ms, this.closing.signal);
  }

  /** Begins a fetch at each leader that has none. */
  private async fetchAll(): Promise<void> {
    if (!this.isMember) await this.join();
    await this.openWindows();
    const { consumer, topic } = this.deps;
    const metadata = await consumer.metadata({ topics: [topic] });
    const { id, partitions } = metadata.topics.get(topic)!;
    const byLeader = Map.groupBy(
      this.ownWindows.filter(({ size }) => size < limits.kafkaWindowMax),
      ({ partition }) => partitions[partition]!.leader,
    );
    for (const [node, windows] of byLeader) {
      if (this.fetching.has(node)) continue;
      this.fetching.add(node);
      void this.fetchFrom(node, id, windows).finally(() => {
        this.fetching.delete(node);
        this.wake();
      });
    }
  }

  private async join(): Promise<void> {
    await this.leaving;
    await this.deps.consumer.joinGroup();
    this.isMember = true;
    if (!this.isWanted) await this.leave();
  }

  /** From where the group is on; from the first record that is there where it has not committed. */
  private async openWindows(): Promise<void> {
    const { consumer, topic } = this.deps;
    const fresh = this.assigned().filter((partition) => !this.windows.has(partition));
    if (fresh.length === 0) return;
    const committed = await consumer.listCommittedOffsets({ topics: [{ topic, partitions: fresh }] });
    const owned = new Set(this.assigned());
    const first = await this.firstOffsets();
    for (const [index, partition] of fresh.entries()) {
      if (!owned.has(partition)) continue;
      const offset = committed.get(topic)?.[index] ?? -1n;
      this.windows.set(partition, new PartitionWindow(partition, offset < 0n ? first[partition]! : offset));
    }
  }

  private async firstOffsets(): Promise<bigint[]> {
    const { consumer, topic } = this.deps;
    return (await consumer.listOffsets({ topics: [topic], timestamp: EARLIEST })).get(topic)!;
  }

  private async fetchFrom(node: number, topicId: string, windows: PartitionWindow[]): Promise<void> {
    const { consumer, fetchPool, onLook } = this.deps;
    const partitions = windows.map(({ partition, next }) => ({
      partition,
      fetchOffset: next,
      currentLeaderEpoch: -1,
      lastFetchedEpoch: -1,
      partitionMaxBytes: limits.kafkaFetchBytesMax,
    }));
    try {
      const response = await consumer.fetch({
        node,
        topics: [{ topicId, partitions }],
        connectionPool: fetchPool,
        maxWaitTime: limits.kafkaFetchWaitMs,
      });
      this.failureCount = 0;
      onLook();
      this.take(response, windows);
    } catch (error) {
      await this.fail(error);
      // A leader that moved, or a log that begins later now: what it lost the relay carries again.
      await this.skipWhatIsGone(windows).catch(this.deps.onError);
      consumer.clearMetadata();
    }
  }

  private async skipWhatIsGone(windows: readonly PartitionWindow[]): Promise<void> {
    if (this.closing.signal.aborted) return;
    const { consumer, topic } = this.deps;
    const first = await this.firstOffsets();
    const ends = (await consumer.listOffsets({ topics: [topic] })).get(topic)!;
    for (const window of windows) {
      const [from, to] = [first[window.partition]!, ends[window.partition]!];
      // Beyond its end: the topic was made again.
      if (!window.isOurs || (window.next >= from && window.next <= to)) continue;
      this.revoke([window.partition]);
      this.windows.set(window.partition, new PartitionWindow(window.partition, from));
    }
  }

  private take(response: FetchResponse, windows: readonly PartitionWindow[]): void {
    const byPartition = new Map(windows.map((window) => [window.partition, window]));
    for (const { partitions } of response.responses) {
      for (const { partitionIndex, records } of partitions) {
        const window = byPartition.get(partitionIndex);
        if (window?.isOurs && records) this.deps.onFetched(readInto(window, records, this.deps.sealKey));
      }
    }
  }
}

type Batches = NonNullable<FetchResponse['responses'][number]['partitions'][number]['records']>;

/** A batch may begin before the offset that was asked for. A record that no relay wrote is done at once. */
function readInto(window: PartitionWindow, batches: Batches, sealKey: Buffer): FetchedEntry[][] {
  const found: FetchedEntry[][] = [];
  for (const { firstOffset, lastOffsetDelta, records } of batches) {
    for (const { offsetDelta, value } of records) {
      const offset = firstOffset + BigInt(offsetDelta);
      if (offset < window.next) continue;
      const block = decodeBlock(value, sealKey);
      if (block !== undefined) found.push(window.add(offset, block));
    }
    const behind = firstOffset + BigInt(lastOffsetDelta) + 1n;
    if (behind > window.next) window.next = behind;
  }
  return found;
}
