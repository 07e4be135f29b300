// Entries that were fetched, in the lines of their shards, and what of them is in hand.
import type { Block } from './record.ts';
import type { FetchedEntry } from './window.ts';

/** Entries of one shard and one epoch, in seq order, no seq twice. */
export interface Taken extends Omit<Block, 'entries'> {
  fetched: FetchedEntry[];
}

interface Line {
  fetched: FetchedEntry[];
  inHand: Taken | undefined;
  /** When it was taken, by `performance.now()`. */
  takenAt: number;
}

export class Waiting {
  private readonly lines = new Map<string, Line>();

  /** Those of one record. */
  add(fetched: readonly FetchedEntry[]): void {
    if (fetched.length === 0) return;
    const name = lineOf(fetched[0]!);
    const line = this.lines.get(name) ?? { fetched: [], inHand: undefined, takenAt: 0 };
    for (const one of fetched) line.fetched.push(one);
    this.lines.set(name, line);
  }

  /** Of the shards that have none in hand, at most `batchMax` entries each and about `room` together; those served longest ago first. */
  take(room: number, batchMax: number): Taken[] {
    const taken: Taken[] = [];
    let left = room;
    for (const [name, line] of this.lines) {
      if (left <= 0) break;
      if (line.inHand !== undefined || line.fetched.length === 0) continue;
      const one = takeFirst(line.fetched, batchMax);
      line.inHand = one;
      line.takenAt = performance.now();
      for (const fetched of one.fetched) fetched.givenAt ??= line.takenAt;
      left -= one.fetched.length;
      taken.push(one);
      // To the end: a Map is walked in the order in which its keys were put.
      this.lines.delete(name);
      this.lines.set(name, line);
    }
    return taken;
  }

  /** All of it is done. */
  done(taken: Taken): void {
    for (const fetched of taken.fetched) fetched.window.done(fetched);
    this.leave(taken, []);
  }

  /** It is first in line again. */
  putBack(taken: Taken): void {
    this.leave(taken, taken.fetched);
  }

  /** What has been in hand since before `takenBefore` is put back: whoever has it may never release it. */
  putBackOld(takenBefore: number): void {
    for (const { inHand, takenAt } of this.lines.values()) {
      if (inHand !== undefined && takenAt < takenBefore) this.putBack(inHand);
    }
  }

  /** These are done without having been settled; one that is in hand stays there. */
  drop(gone: readonly FetchedEntry[]): void {
    for (const fetched of gone) fetched.window.done(fetched);
    this.keep(({ isDone }) => !isDone);
  }

  /** Forgets what is of windows that are somebody else's. */
  dropForeign(): void {
    this.keep(({ window }) => window.isOurs);
  }

  private keep(isKept: (fetched: FetchedEntry) => boolean): void {
    for (const [name, line] of this.lines) {
      line.fetched = line.fetched.filter(isKept);
      if (line.fetched.length === 0 && line.inHand === undefined) this.lines.delete(name);
    }
  }

  private leave(taken: Taken, back: readonly FetchedEntry[]): void {
    const name = lineOf(taken);
    const line = this.lines.get(name);
    if (line?.inHand !== taken) return;
    line.inHand = undefined;
    line.fetched.unshift(...back.filter((fetched) => fetched.window.holds(fetched)));
    if (line.fetched.length === 0) this.lines.delete(name);
  }
}

const lineOf = ({ campaign, shard }: { campaign: string; shard: number }): string => `${campaign}/${shard}`;

/** The first ones that may be one batch; what was carried twice waits for the next one, which finds it settled. */
function takeFirst(waiting: FetchedEntry[], batchMax: number): Taken {
  const { campaign, epoch, shard } = waiting[0]!;
  let count = 1;
  while (count < Math.min(waiting.length, batchMax)) {
    const [before, fetched] = [waiting[count - 1]!, waiting[count]!];
    if (fetched.epoch !== epoch || fetched.entry.seq <= before.entry.seq) break;
    count += 1;
  }
  return { campaign, epoch, shard, fetched: waiting.splice(0, count) };
}
