// What every source of tickets must do, beside the settlement of the gate. An adapter brings a harness; the promises are
// those of `src/broker/port.ts` and of `Settlement` in `src/gate/port.ts`.
import { describe, expect, type TestContext, test } from 'vitest';
import type { Batch, TicketSource } from '../../src/broker/port.ts';
import type { TicketException } from '../../src/domain/ticket-state.ts';
import type { Settlement } from '../../src/gate/port.ts';
import { until } from '../helpers/until.ts';

export interface SourceHarness {
  open(name: string): TicketSource;
  settlement: Settlement;
  /** Two campaigns, both in epoch 1. */
  campaigns: readonly [string, string];
  shards: number;
  /** Largest batch of this source. */
  batchMax: number;
  /** Puts tickets of these seqs on the shards of a campaign, as its gate would. */
  append(campaign: string, ...seqs: number[]): Promise<void>;
  /** Lets enough time pass for the entries of a silent worker to be given to another one. */
  silence(): Promise<void>;
  exceptionOf(campaign: string, seq: number): Promise<string | undefined>;
}

/** `claimIdleMs`: a worker that is silent for longer has its entries given to another one. */
type OpenHarness = (t: TestContext, claimIdleMs: number) => Promise<SourceHarness>;

const CLAIM_IDLE_MS = 300;

export function ticketSourceContract(name: string, open: OpenHarness): void {
  /** A sale with a source for each name that it is asked for. */
  async function start(t: TestContext, claimIdleMs = CLAIM_IDLE_MS) {
    const harness = await open(t, claimIdleMs);
    const [campaign, other] = harness.campaigns;
    return {
      ...harness,
      campaign,
      other,
      append: (...seqs: number[]) => harness.append(campaign, ...seqs),
      appendOther: (...seqs: number[]) => harness.append(other, ...seqs),
      exceptionOf: (seq: number) => harness.exceptionOf(campaign, seq),
      source(named: string): TicketSource {
        const opened = harness.open(named);
        t.onTestFinished(() => opened.close().then(() => undefined));
        return opened;
      },
      /** Settles a batch and puts it down. */
      async settle(source: TicketSource, batch: Batch, exceptions: readonly TicketException[] = []) {
        const count = await harness.settlement.settle(batch, exceptions);
        source.release(batch, 'settled');
        return count;
      },
    };
  }

  describe(`${name} keeps the promises of a source`, () => {
    test('delivers each shard in seq order, at most a batch at a time, and nothing more while that is in hand', async (t) => {
      const sale = await start(t);
      await sale.append(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
      const first = await receiveAll(sale.source('a'), sale.shards);
      for (const batch of first) {
        expect(batch.entries.length).toBeLessThanOrEqual(sale.batchMax);
        expect(batch.entries.map(({ seq }) => seq % sale.shards)).toEqual(batch.entries.map(() => batch.shard));
      }
      expect(new Set(first.map(({ shard }) => shard)).size).toBe(sale.shards);
      expect(seqs(first)).toEqual(expect.arrayContaining([1, 2, 3]));
      expect(new Set(seqs(first)).size).toBe(seqs(first).length);
    });

    test('delivers everything exactly once to a worker that settles', async (t) => {
      const sale = await start(t);
      const source = sale.source('a');
      const all = range(40);
      await sale.append(...all);
      const got: number[] = [];
      await drain(sale, source, got, 40);
      expect(got.toSorted((a, b) => a - b)).toEqual(all);
      for (let shard = 0; shard < sale.shards; shard += 1) {
        const ofShard = got.filter((seq) => seq % sale.shards === shard);
        expect(ofShard).toEqual(ofShard.toSorted((a, b) => a - b));
      }
      expect(await source.receive(20)).toEqual([]);
    });

    test('carries all campaigns at once, and each batch says whose it is', async (t) => {
      const sale = await start(t);
      const source = sale.source('a');
      // Both have a ticket of seq 1: a seq alone names none.
      await sale.append(1, 2);
      await sale.appendOther(1);
      const batches = await receiveAll(source, 3);
      const of = (campaign: string) => batches.filter((batch) => batch.campaign === campaign);
      expect(batches.every(({ epoch }) => epoch === 1)).toBe(true);
      expect(seqs(of(sale.campaign)).toSorted((a, b) => a - b)).toEqual([1, 2]);
      expect(seqs(of(sale.other))).toEqual([1]);
      for (const batch of batches) expect(await sale.settle(source, batch)).toBe(1);
      expect(await source.receive(20)).toEqual([]);
    });

    test('goes on with one campaign while a batch of another is in hand', async (t) => {
      const sale = await start(t);
      const source = sale.source('a');
      await sale.appendOther(1);
      await receiveAll(source, 1);
      await sale.append(...range(30));
      const got: number[] = [];
      await drain(sale, source, got, 30);
      expect(got.toSorted((a, b) => a - b)).toEqual(range(30));
    });

    test('splits a shard between two workers without giving an entry to both', async (t) => {
      const sale = await start(t);
      const [a, b] = [sale.source('a'), sale.source('b')];
      await sale.append(...range(60));
      const got: number[] = [];
      await Promise.all([drain(sale, a, got, 60), drain(sale, b, got, 60)]);
      expect(got.toSorted((x, y) => x - y)).toEqual(range(60));
    });

    test('wakes a waiting worker when something arrives', async (t) => {
      const sale = await start(t);
      const waiting = receiveAll(sale.source('a'), 1, 1_000);
      await sale.append(1);
      expect(seqs(await waiting)).toEqual([1]);
    });

    test('gives a worker that comes back under its name what it had not settled', async (t) => {
      const sale = await start(t);
      const before = sale.source('a');
      await sale.append(1, 2, 3);
      await receiveAll(before, sale.shards);
      await before.close();
      const again = await receiveAll(sale.source('a'), sale.shards);
      expect(seqs(again).toSorted((x, y) => x - y)).toEqual([1, 2, 3]);
    });

    test('gives a batch that is released unsettled again', async (t) => {
      const sale = await start(t);
      const source = sale.source('a');
      await sale.append(1);
      const [batch] = await receiveAll(source, 1);
      source.release(batch!, 'unsettled');
      expect(seqs(await receiveAll(source, 1))).toEqual([1]);
    });

    test('a batch that a worker has had for long may be elsewhere, and one that it was just given is not', async (t) => {
      const sale = await start(t);
      const source = sale.source('a');
      await sale.append(1);
      const [batch] = await receiveAll(source, 1);
      await sale.silence();
      expect(batch!.mayBeElsewhere()).toBe(true);
      source.release(batch!, 'unsettled');
      const [again] = await receiveAll(source, 1);
      expect(again!.entries).toEqual(batch!.entries);
      expect(again!.mayBeElsewhere()).toBe(false);
    });

    test('gives the entries of a silent worker to another one, and both may settle: it counts once', async (t) => {
      const sale = await start(t);
      const silent = sale.source('silent');
      await sale.append(1);
      const [held] = await receiveAll(silent, 1);
      await sale.silence();
      const other = sale.source('other');
      const [claimed] = await receiveAll(other, 1);
      expect(claimed!.entries.map(({ seq }) => seq)).toEqual([1]);
      expect(await sale.settle(other, claimed!)).toBe(1);
      expect(await sale.settle(silent, held!)).toBe(0);
    });

    test('shows an exception with the settlement, and the first one stands', async (t) => {
      const sale = await start(t);
      const source = sale.source('a');
      await sale.append(1);
      const [batch] = await receiveAll(source, 1);
      const retrying: TicketException = { seq: 1, outcome: { status: 'retrying' } };
      expect(await sale.exceptionOf(1)).toBeUndefined();
      expect(await sale.settle(source, batch!, [retrying])).toBe(1);
      expect(await sale.exceptionOf(1)).toBe('retrying:');
      const failed: TicketException = { seq: 1, outcome: { status: 'failed', reason: 'late' } };
      expect(await sale.settle(source, batch!, [failed])).toBe(0);
      expect(await sale.exceptionOf(1)).toBe('retrying:');
    });

    test('a source that is closed hands over what it had received and nobody had asked for', async (t) => {
      const sale = await start(t, 600_000);
      const source = sale.source('a');
      await sale.append(1);
      await sale.appendOther(1);
      for (const batch of await receiveAll(source, 2)) await sale.settle(source, batch);
      // Asked for while both campaigns have nothing; answered with a ticket of the other one, while this one is still read.
      const answer = source.receive(60_000);
      await sale.appendOther(2);
      const asked = await answer;
      await sale.append(2, 3, 4, 5, 6);
      const handedOver = await source.close();
      for (const batch of [...asked, ...handedOver]) await sale.settle(source, batch);
      const got: number[] = seqs([...asked, ...handedOver].filter(({ campaign }) => campaign === sale.campaign));
      // Another name is given what nobody received; what the first one had kept to itself would be missing.
      await drain(sale, sale.source('b'), got, 5);
      expect(got.toSorted((a, b) => a - b)).toEqual([2, 3, 4, 5, 6]);
    });
  });
}

type Sale = Pick<SourceHarness, 'settlement'>;

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

const seqs = (batches: readonly Batch[]): number[] => batches.flatMap((batch) => batch.entries.map(({ seq }) => seq));

/** Receives until `count` batches are in hand. */
async function receiveAll(source: TicketSource, count: number, waitMs = 50): Promise<Batch[]> {
  const batches: Batch[] = [];
  await until(`${count} batches`, async () => {
    batches.push(...(await source.receive(waitMs)));
    return batches.length >= count;
  });
  return batches;
}

/** Settles what it receives until `got` has `count` seqs. */
async function drain({ settlement }: Sale, source: TicketSource, got: number[], count: number): Promise<void> {
  await until(`${count} entries`, async () => {
    if (got.length >= count) return true;
    for (const batch of await source.receive(20)) {
      got.push(...seqs([batch]));
      await settlement.settle(batch, []);
      source.release(batch, 'settled');
    }
    return got.length >= count;
  });
}
