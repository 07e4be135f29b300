// What a worker has fetched of one partition and not committed. An offset is committed once everything before it is done.
import type { Entry } from '../port.ts';
import type { Block } from './record.ts';

/** An entry of a record that was fetched. */
export interface FetchedEntry extends Omit<Block, 'entries'> {
  window: PartitionWindow;
  record: FetchedRecord;
  entry: Entry;
  isDone: boolean;
  /** When it was given out first, by `performance.now()`; undefined before. */
  givenAt: number | undefined;
}

interface FetchedRecord {
  entries: FetchedEntry[];
  openCount: number;
}

export class PartitionWindow {
  readonly partition: number;
  /** Offset of the next record to fetch. */
  next: bigint;
  /** Offset that the group has committed, as far as this worker knows. */
  committed: bigint;
  /** False once the partition is somebody else's: what is done from then on is not committed. */
  isOurs = true;
  /** Entries from the first record that is not done on: what would be fetched again after a crash. */
  size = 0;
  /** In order of offset, since a Map keeps the order in which its keys were put; the first one is not done. */
  private readonly records = new Map<bigint, FetchedRecord>();

  constructor(partition: number, committed: bigint) {
    this.partition = partition;
    this.committed = committed;
    this.next = committed;
  }

  add(offset: bigint, { entries, ...of }: Block): FetchedEntry[] {
    const record: FetchedRecord = { entries: [], openCount: entries.length };
    record.entries = entries.map((entry) => {
      return { ...of, window: this, record, entry, isDone: false, givenAt: undefined };
    });
    this.size += entries.length;
    this.records.set(offset, record);
    return record.entries;
  }

  done(fetched: FetchedEntry): void {
    if (fetched.isDone) return;
    fetched.isDone = true;
    fetched.record.openCount -= 1;
    if (fetched.record.openCount > 0) return;
    for (const [offset, { entries, openCount }] of this.records) {
      if (openCount > 0) break;
      this.records.delete(offset);
      this.size -= entries.length;
    }
  }

  holds(fetched: FetchedEntry): boolean {
    return this.isOurs && !fetched.isDone;
  }

  /** Every record below it is done. */
  get committable(): bigint {
    const [first] = this.records.keys();
    return first ?? this.next;
  }

  /** Those that were given out before `givenBefore` and are not done yet. */
  openSince(givenBefore: number): FetchedEntry[] {
    return [...this.records.values()]
      .flatMap(({ entries }) => entries)
      .filter(({ isDone, givenAt }) => !isDone && givenAt !== undefined && givenAt < givenBefore);
  }
}
