// What a worker has fetched of one partition and not committed. An offset is committed once everything before it is done.
import type { CarriedEntry } from './record.ts';

/** A record of a window that is not done. */
export interface OpenRecord extends CarriedEntry {
  window: PartitionWindow;
  offset: bigint;
  /** When it was given out first, by `performance.now()`; undefined before. */
  givenAt: number | undefined;
}

export class PartitionWindow {
  readonly partition: number;
  /** Offset of the next record to fetch. */
  next: bigint;
  /** Offset that the group has committed, as far as this worker knows. */
  committed: bigint;
  /** False once the partition is somebody else's: what is done from then on is not committed. */
  isOurs = true;
  /** In order of offset: a Map keeps the order in which its keys were put. */
  private readonly open = new Map<bigint, OpenRecord>();

  constructor(partition: number, committed: bigint) {
    this.partition = partition;
    this.committed = committed;
    this.next = committed;
  }

  add(offset: bigint, carried: CarriedEntry): OpenRecord {
    const record: OpenRecord = { ...carried, window: this, offset, givenAt: undefined };
    this.open.set(offset, record);
    return record;
  }

  done(record: OpenRecord): void {
    this.open.delete(record.offset);
  }

  holds(record: OpenRecord): boolean {
    return this.isOurs && this.open.has(record.offset);
  }

  /** Every record below it is done. */
  get committable(): bigint {
    const [first] = this.open.keys();
    return first ?? this.next;
  }

  /** Records from the first one that is not done on: what would be fetched again after a crash. */
  get size(): number {
    return Number(this.next - this.committable);
  }

  /** Those that were given out before `givenBefore` and are not done yet. */
  openSince(givenBefore: number): OpenRecord[] {
    return [...this.open.values()].filter(({ givenAt }) => givenAt !== undefined && givenAt < givenBefore);
  }
}
