// What every broker must do. An adapter brings a harness; the promises are those of `src/broker/port.ts`.
import { describe, expect, type TestContext, test } from 'vitest';
import type { Batch, Broker, Consumer } from '../../src/broker/port.ts';
import type { TicketException } from '../../src/domain/ticket-state.ts';
import { until } from '../helpers/until.ts';

export interface BrokerHarness {
  broker: Broker;
  campaign: string;
  shards: number;
  /** Largest batch this broker was told to hand out. */
  batchMax: number;
  /** Puts tickets of these seqs on their shards, as the gate would. */
  append(...seqs: number[]): Promise<void>;
  /** Lets enough time pass for a silent consumer to be claimed from. */
  silence(): Promise<void>;
  exceptionOf(seq: number): Promise<string | undefined>;
}

export function brokerContract(name: string, open: (t: TestContext) => Promise<BrokerHarness>): void {
  const consume = async (t: TestContext, harness: BrokerHarness, consumer: string): Promise<Consumer> => {
    const opened = await harness.broker.consume({ id: harness.campaign, epoch: 1, shards: harness.shards }, consumer);
    t.onTestFinished(() => opened.close());
    return opened;
  };

  describe(`${name} keeps the broker's promises`, () => {
    test('delivers each shard in seq order, at most a batch at a time, and nothing more while that is in hand', async (t) => {
      const harness = await open(t);
      const consumer = await consume(t, harness, 'a');
      await harness.append(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
      const first = await receiveAll(consumer, harness.shards);
      for (const batch of first) {
        expect(batch.entries.length).toBeLessThanOrEqual(harness.batchMax);
        expect(batch.entries.map(({ seq }) => seq % harness.shards)).toEqual(batch.entries.map(() => batch.shard));
      }
      expect(seqs(first)).toEqual(expect.arrayContaining([1, 2, 3]));
      expect(new Set(seqs(first)).size).toBe(seqs(first).length);
    });

    test('delivers everything exactly once to a consumer that settles', async (t) => {
      const harness = await open(t);
      const consumer = await consume(t, harness, 'a');
      const all = Array.from({ length: 40 }, (_, index) => index + 1);
      await harness.append(...all);
      const got = await drain(consumer, 40);
      expect(got.toSorted((a, b) => a - b)).toEqual(all);
      for (let shard = 0; shard < harness.shards; shard += 1) {
        const ofShard = got.filter((seq) => seq % harness.shards === shard);
        expect(ofShard).toEqual(ofShard.toSorted((a, b) => a - b));
      }
      expect(await consumer.receive(20)).toEqual([]);
    });

    test('splits a shard between two consumers without giving an entry to both', async (t) => {
      const harness = await open(t);
      const [a, b] = [await consume(t, harness, 'a'), await consume(t, harness, 'b')];
      const all = Array.from({ length: 60 }, (_, index) => index + 1);
      await harness.append(...all);
      const got: number[] = [];
      await Promise.all([drainInto(a, got, 60), drainInto(b, got, 60)]);
      expect(got.toSorted((x, y) => x - y)).toEqual(all);
    });

    test('wakes a waiting consumer when something arrives', async (t) => {
      const harness = await open(t);
      const consumer = await consume(t, harness, 'a');
      const waiting = until('a delivery', 3_000, async () => {
        const batches = await consumer.receive(1_000);
        return batches.length > 0 ? batches : undefined;
      });
      await harness.append(1);
      expect(seqs(await waiting)).toEqual([1]);
    });

    test('gives a consumer that comes back under its name what it had not settled, and says so', async (t) => {
      const harness = await open(t);
      const before = await consume(t, harness, 'a');
      await harness.append(1, 2, 3);
      await receiveAll(before, harness.shards);
      await before.close();
      const after = await consume(t, harness, 'a');
      const again = await receiveAll(after, harness.shards);
      expect(seqs(again).toSorted((x, y) => x - y)).toEqual([1, 2, 3]);
      expect(again.every((batch) => batch.redelivered)).toBe(true);
    });

    test('gives a released batch again', async (t) => {
      const harness = await open(t);
      const consumer = await consume(t, harness, 'a');
      await harness.append(1);
      const [batch] = await receiveAll(consumer, 1);
      consumer.release(batch!);
      expect(seqs(await receiveAll(consumer, 1))).toEqual([1]);
    });

    test('gives the entries of a silent consumer to another one, and both may settle: it counts once', async (t) => {
      const harness = await open(t);
      const silent = await consume(t, harness, 'silent');
      await harness.append(1);
      const [held] = await receiveAll(silent, 1);
      await harness.silence();
      const other = await consume(t, harness, 'other');
      const [claimed] = await until('a claim', 5_000, async () => {
        const batches = await other.receive(50);
        return batches.length > 0 ? batches : undefined;
      });
      expect(claimed!.entries.map(({ seq }) => seq)).toEqual([1]);
      expect(claimed!.redelivered).toBe(true);
      expect(await other.settle(claimed!, [])).toBe(1);
      expect(await silent.settle(held!, [])).toBe(0);
    });

    test('shows an exception with the settlement, and the first one stands', async (t) => {
      const harness = await open(t);
      const consumer = await consume(t, harness, 'a');
      await harness.append(1);
      const [batch] = await receiveAll(consumer, 1);
      const retrying: TicketException = { seq: 1, outcome: { status: 'retrying' } };
      expect(await harness.exceptionOf(1)).toBeUndefined();
      expect(await consumer.settle(batch!, [retrying])).toBe(1);
      expect(await harness.exceptionOf(1)).toBe('retrying:');
      const failed: TicketException = { seq: 1, outcome: { status: 'failed', reason: 'late' } };
      expect(await consumer.settle(batch!, [failed])).toBe(0);
      expect(await harness.exceptionOf(1)).toBe('retrying:');
    });

    test('counts what nobody received and what is pending', async (t) => {
      const harness = await open(t);
      await harness.append(1, 2, 3, 4, 5, 6);
      const total = async (field: 'undeliveredCount' | 'pendingCount') =>
        (await harness.broker.lag(harness.campaign, harness.shards)).reduce((sum, shard) => sum + shard[field], 0);
      expect(await total('undeliveredCount')).toBe(6);
      const consumer = await consume(t, harness, 'a');
      const batches = await receiveAll(consumer, harness.shards);
      const received = seqs(batches).length;
      expect(await total('pendingCount')).toBe(received);
      expect(await total('undeliveredCount')).toBe(6 - received);
      for (const batch of batches) await consumer.settle(batch, []);
      expect(await total('pendingCount')).toBe(0);
    });
  });
}

const seqs = (batches: Batch[]): number[] => batches.flatMap((batch) => batch.entries.map(({ seq }) => seq));

/** Receives until `count` shards have a batch in hand. */
async function receiveAll(consumer: Consumer, count: number): Promise<Batch[]> {
  const batches: Batch[] = [];
  await until(`${count} batches`, 5_000, async () => {
    batches.push(...(await consumer.receive(50)));
    return batches.length >= count;
  });
  return batches;
}

async function drain(consumer: Consumer, count: number): Promise<number[]> {
  const got: number[] = [];
  await drainInto(consumer, got, count);
  return got;
}

async function drainInto(consumer: Consumer, got: number[], count: number): Promise<void> {
  await until(`${count} entries`, 10_000, async () => {
    if (got.length >= count) return true;
    for (const batch of await consumer.receive(20)) {
      got.push(...seqs([batch]));
      await consumer.settle(batch, []);
    }
    return got.length >= count;
  });
}
