// What a worker makes of Kafka's records, without a broker.
import { expect, test } from 'vitest';
import { LostEntries, type LostEntriesDeps } from '../../src/broker/kafka/lost-entries.ts';
import { type Block, decodeBlock, encodeBlock, partitionOf } from '../../src/broker/kafka/record.ts';
import { valuesOf } from '../../src/broker/kafka/topic.ts';
import { Waiting } from '../../src/broker/kafka/waiting.ts';
import { type FetchedEntry, PartitionWindow } from '../../src/broker/kafka/window.ts';

const KEY = Buffer.alloc(32, 1);

function block(seqs: number | readonly number[], { shard = 0, epoch = 1, campaign = 'a' } = {}): Block {
  const entries = [seqs].flat().map((seq) => ({ seq, fields: { user: `u${seq}` } }));
  return { campaign, epoch, shard, entries };
}

function fetched(window: PartitionWindow, waiting: Waiting, ...blocks: Block[]): FetchedEntry[] {
  return blocks.flatMap((one) => {
    const entries = window.add(window.next, one);
    window.next += 1n;
    waiting.add(entries);
    return entries;
  });
}

const seqsOf = (taken: { fetched: FetchedEntry[] }[]) => taken.map((one) => one.fetched.map(({ entry }) => entry.seq));

test('a record says what it carries, and what no relay sealed carries nothing', () => {
  const one = block([17, 25], { shard: 1, epoch: 2 });
  const value = encodeBlock(one, KEY);
  expect(decodeBlock(value, KEY)).toEqual(one);
  expect(decodeBlock(value, Buffer.alloc(32, 2))).toBeUndefined();
  const forged = Buffer.from(value.toString().replace('u17', 'u18'));
  for (const none of [forged, value.subarray(0, -1), null, Buffer.from(''), Buffer.from('{}\n'), Buffer.from('7')])
    expect(decodeBlock(none, KEY)).toBeUndefined();
});

test('a block that is too large for a record is sent as several, and an entry that is too large without its fields', () => {
  const entries = Array.from({ length: 9 }, (_, seq) => ({ seq: seq + 1, fields: { user: 'u'.repeat(90) } }));
  entries[4]!.fields.user = 'u'.repeat(900);
  const whole = { ...block(1), entries };
  const values = valuesOf(whole, KEY, 600);
  expect(Math.max(...values.map(({ length }) => length))).toBeLessThanOrEqual(600);
  const found = values.flatMap((value) => decodeBlock(value, KEY)!.entries);
  expect(found).toEqual(entries.map((entry) => (entry.seq === 5 ? { seq: 5, fields: {} } : entry)));
});

test('a shard has one partition, and the shards of a campaign are spread over all of them', () => {
  const partitions = Array.from({ length: 6 }, (_, shard) => partitionOf('summer', shard, 6));
  expect(new Set(partitions)).toEqual(new Set([0, 1, 2, 3, 4, 5]));
  expect(partitionOf('summer', 2, 6)).toBe(partitions[2]);
});

test('an offset is committed once everything before it is done, in whatever order that was', () => {
  const window = new PartitionWindow(0, 100n);
  const waiting = new Waiting();
  const [first, second, third] = fetched(window, waiting, block(1), block(1, { shard: 1 }), block(2)) as [
    FetchedEntry,
    FetchedEntry,
    FetchedEntry,
  ];
  window.done(second);
  window.done(third);
  expect(window.committable).toBe(100n);
  window.done(first);
  expect(window.committable).toBe(103n);
});

test('the offset of a record is committed once every entry of it is done', () => {
  const window = new PartitionWindow(0, 100n);
  const waiting = new Waiting();
  fetched(window, waiting, block([1, 2, 3]), block(4));
  const [first] = waiting.take(10, 2);
  waiting.done(first!);
  expect([window.committable, window.size]).toEqual([100n, 4]);
  const [second] = waiting.take(10, 2);
  expect(seqsOf([second!])).toEqual([[3, 4]]);
  waiting.done(second!);
  waiting.done(first!);
  expect([window.committable, window.size]).toEqual([102n, 0]);
});

test('a batch is of one shard and one epoch, without a seq twice, and a shard has one in hand', () => {
  const window = new PartitionWindow(0, 0n);
  const waiting = new Waiting();
  fetched(window, waiting, block(1), block(2), block(2), block(3), block(1, { epoch: 2 }));
  fetched(window, waiting, block(9, { shard: 1 }));
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
  fetched(window, waiting, block(1), block(2), block(1, { shard: 1 }));
  const [first] = waiting.take(1, 1);
  waiting.done(first!);
  expect(waiting.take(1, 1)[0]!.shard).toBe(1);
});

test('what has been in hand for too long is given again, and what is released late commits what it was', () => {
  const window = new PartitionWindow(0, 0n);
  const waiting = new Waiting();
  fetched(window, waiting, block(1));
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
  fetched(ours, waiting, block(1), block(2));
  fetched(theirs, waiting, block(1, { shard: 1 }));
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
    send: async (all) => void sent.push(...all.flatMap(({ entries }) => entries.map(({ seq }) => seq))),
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
