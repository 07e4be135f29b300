// Records that were fetched, in the lines of their shards, and what of them is in hand.
import type { CarriedEntry } from './record.ts';
import type { OpenRecord } from './window.ts';

/** Records of one shard and one epoch, in seq order, no seq twice. */
export interface Taken extends Omit<CarriedEntry, 'entry'> {
  records: OpenRecord[];
}

interface Line {
  records: OpenRecord[];
  inHand: Taken | undefined;
  /** When it was taken, by `performance.now()`. */
  takenAt: number;
}

export class Waiting {
  private readonly lines = new Map<string, Line>();

  add(record: OpenRecord): void {
    const name = lineOf(record);
    const line = this.lines.get(name) ?? { records: [], inHand: undefined, takenAt: 0 };
    line.records.push(record);
    this.lines.set(name, line);
  }

  /** Of the shards that have none in hand, at most `batchMax` records each and about `room` together; those served longest ago first. */
  take(room: number, batchMax: number): Taken[] {
    const taken: Taken[] = [];
    let left = room;
    for (const [name, line] of this.lines) {
      if (left <= 0) break;
      if (line.inHand !== undefined || line.records.length === 0) continue;
      const one = takeFirst(line.records, batchMax);
      line.inHand = one;
      line.takenAt = performance.now();
      for (const record of one.records) record.givenAt ??= line.takenAt;
      left -= one.records.length;
      taken.push(one);
      // To the end: a Map is walked in the order in which its keys were put.
      this.lines.delete(name);
      this.lines.set(name, line);
    }
    return taken;
  }

  /** All of it is done. */
  done(taken: Taken): void {
    for (const record of taken.records) record.window.done(record);
    this.leave(taken, []);
  }

  /** It is first in line again. */
  putBack(taken: Taken): void {
    this.leave(taken, taken.records);
  }

  /** What has been in hand since before `takenBefore` is put back: whoever has it may never release it. */
  putBackOld(takenBefore: number): void {
    for (const { inHand, takenAt } of this.lines.values()) {
      if (inHand !== undefined && takenAt < takenBefore) this.putBack(inHand);
    }
  }

  /** These are done without having been settled; one that is in hand stays there. */
  drop(records: readonly OpenRecord[]): void {
    const gone = new Set(records);
    for (const record of gone) record.window.done(record);
    this.keep((record) => !gone.has(record));
  }

  /** Forgets what is of windows that are somebody else's. */
  dropForeign(): void {
    this.keep(({ window }) => window.isOurs);
  }

  private keep(isKept: (record: OpenRecord) => boolean): void {
    for (const [name, line] of this.lines) {
      line.records = line.records.filter(isKept);
      if (line.records.length === 0 && line.inHand === undefined) this.lines.delete(name);
    }
  }

  private leave(taken: Taken, back: readonly OpenRecord[]): void {
    const name = lineOf(taken);
    const line = this.lines.get(name);
    if (line?.inHand !== taken) return;
    line.inHand = undefined;
    line.records.unshift(...back.filter((record) => record.window.holds(record)));
    if (line.records.length === 0) this.lines.delete(name);
  }
}

const lineOf = ({ campaign, shard }: { campaign: string; shard: number }): string => `${campaign}/${shard}`;

/** The first ones that may be one batch; what was carried twice waits for the next one, which finds it settled. */
function takeFirst(records: OpenRecord[], batchMax: number): Taken {
  const { campaign, epoch, shard } = records[0]!;
  let count = 1;
  while (count < Math.min(records.length, batchMax)) {
    const [before, record] = [records[count - 1]!, records[count]!];
    if (record.epoch !== epoch || record.entry.seq <= before.entry.seq) break;
    count += 1;
  }
  return { campaign, epoch, shard, records: records.splice(0, count) };
}
