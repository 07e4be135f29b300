// What a worker makes of Kafka's records, without a broker.
import { expect, test } from 'vitest';
import { LostEntries, type LostEntriesDeps } from '../../src/broker/kafka/lost-entries.ts';
import { decodeRecord, encodeRecord, partitionOf } from '../../src/broker/kafka/record.ts';
import { Waiting } from '../../src/broker/kafka/waiting.ts';
import { type OpenRecord, PartitionWindow } from '../../src/broker/kafka/window.ts';

const carried = (seq: number, { shard = 0, epoch = 1, campaign = 'a' } = {}) => ({
  campaign,
  epoch,
  shard,
  entry: { seq, fields: { user: `u${seq}` } },
});

function fetched(window: PartitionWindow, waiting: Waiting, ...entries: ReturnType<typeof carried>[]): OpenRecord[] {
  return entries.map((entry) => {
    const record = window.add(window.next, entry);
    window.next += 1n;
    waiting.add(record);
    return record;
  });
}

const seqsOf = (taken: { records: OpenRecord[] }[]) =>
  taken.map(({ records }) => records.map(({ entry }) => entry.seq));

test('a record says what it carries, and a record of another program or version carries nothing', () => {
  const one = carried(17, { shard: 3, epoch: 2 });
  expect(decodeRecord(encodeRecord(one))).toEqual(one);
  const parts = { v: 1, campaign: 'a', epoch: 1, shard: 0, seq: 1, fields: {} };
  expect(decodeRecord(Buffer.from(JSON.stringify(parts)))).toBeDefined();
  const wrong: object[] = [
    { v: 2 },
    { campaign: '../a' },
    { epoch: 0 },
    { shard: -1 },
    { seq: 0.5 },
    { seq: 10 ** 12 },
    { fields: { user: 7 } },
    { fields: null },
  ];
  for (const part of wrong) expect(decodeRecord(Buffer.from(JSON.stringify({ ...parts, ...part })))).toBeUndefined();
  for (const text of ['', 'null', '7', '{', '[]']) expect(decodeRecord(Buffer.from(text))).toBeUndefined();
  expect(decodeRecord(null)).toBeUndefined();
});

test('a shard has one partition, and the shards of a campaign are spread over all of them', () => {
  const partitions = Array.from({ length: 6 }, (_, shard) => partitionOf('summer', shard, 6));
  expect(new Set(partitions)).toEqual(new Set([0, 1, 2, 3, 4, 5]));
  expect(partitionOf('summer', 2, 6)).toBe(partitions[2]);
});

test('an offset is committed once everything before it is done, in whatever order that was', () => {
  const window = new PartitionWindow(0, 100n);
  const waiting = new Waiting();
  const [first, second, third] = fetched(window, waiting, carried(1), carried(1, { shard: 1 }), carried(2)) as [
    OpenRecord,
    OpenRecord,
    OpenRecord,
  ];
  window.done(second);
  window.done(third);
  expect(window.committable).toBe(100n);
  window.done(first);
  expect(window.committable).toBe(103n);
});

test('a batch is of one shard and one epoch, without a seq twice, and a shard has one in hand', () => {
  const window = new PartitionWindow(0, 0n);
  const waiting = new Waiting();
  fetched(window, waiting, carried(1), carried(2), carried(2), carried(3), carried(1, { epoch: 2 }));
  fetched(window, waiting, carried(9, { shard: 1 }));
  const first = waiting.take(100, 10);
  expect(seqsOf(first)).toEqual([[1, 2], [9]]);
  expect(waiting.take(100, 10)).toEqual([]);
  waiting.done(first[0]!);
  const second = waiting.take(100, 10);
  expect(seqsOf(second)).toEqual([[2, 3]]);
  waiting.putBack(second[0]!);
  expect(seqsOf(waiting.take(100, 1))).toEqual([[2]]);
});

test('shards take turns where there is room for some of them', () => {
  const window = new PartitionWindow(0, 0n);
  const waiting = new Waiting();
  fetched(window, waiting, carried(1), carried(2), carried(1, { shard: 1 }));
  const [first] = waiting.take(1, 1);
  waiting.done(first!);
  expect(waiting.take(1, 1)[0]!.shard).toBe(1);
});

test('what has been in hand for too long is given again, and what is released late commits what it was', () => {
  const window = new PartitionWindow(0, 0n);
  const waiting = new Waiting();
  fetched(window, waiting, carried(1));
  const [held] = waiting.take(10, 10);
  waiting.putBackOld(performance.now() + 1);
  const [again] = waiting.take(10, 10);
  expect(seqsOf([again!])).toEqual([[1]]);
  waiting.done(held!);
  expect(window.committable).toBe(1n);
  waiting.putBack(again!);
  expect(waiting.take(10, 10)).toEqual([]);
});

test("of a partition that is another worker's nothing is given, and of a full one what nobody settles is left to the relay", () => {
  const [ours, theirs] = [new PartitionWindow(0, 0n), new PartitionWindow(1, 0n)];
  const waiting = new Waiting();
  fetched(ours, waiting, carried(1), carried(2));
  fetched(theirs, waiting, carried(1, { shard: 1 }));
  theirs.isOurs = false;
  waiting.dropForeign();
  const [taken] = waiting.take(1, 1);
  waiting.putBack(taken!);
  waiting.drop(ours.openSince(performance.now() + 1));
  expect(seqsOf(waiting.take(10, 10))).toEqual([[2]]);
  expect(ours.committable).toBe(1n);
});

test('entries are carried again once the group is past the end that was noted, and not while it is behind', async () => {
  const sent: number[] = [];
  const topic = { ends: [5n], committed: [4n] };
  let idle = [{ campaign: 'a', epoch: 1, shard: 0 }];
  const deps: LostEntriesDeps = {
    idleShards: async () => idle,
    takeIdle: async () => (idle.length === 0 ? [] : [{ seq: 7, fields: {} }]),
    ends: async () => topic.ends,
    committed: async () => topic.committed,
    send: async (all) => void sent.push(...all.map(({ entry }) => entry.seq)),
    onLost: () => undefined,
    claimIdleMs: 0,
  };
  const lost = new LostEntries(deps);
  await lost.look();
  await lost.look();
  expect(sent).toEqual([]);
  topic.committed = [5n];
  await lost.look();
  expect(sent).toEqual([7]);
  // It was touched when it was carried: it is noted anew only if it stays where it is.
  idle = [];
  await lost.look();
  expect(sent).toEqual([7]);
});
