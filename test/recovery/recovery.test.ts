import { expect, test } from 'vitest';
import { keys } from '../../src/redis/keys.ts';
import { until } from '../helpers/until.ts';
import { ownDatabase } from '../ledger/own-database.ts';
import { keptRedis, openSale } from './sale.ts';

const database = ownDatabase();
/** Ended by the test once all holders have asked: units that are sold to newcomers after a grace are not theirs. */
const GRACE_MS = 600_000;

type Sale = Awaited<ReturnType<typeof openSale>>;

/** Every ticket is issued once, with the code its holder was told; units lie within the stock. */
async function expectIssued(sale: Sale, buyers: Awaited<ReturnType<Sale['followAll']>>, stock: number): Promise<void> {
  const rows = await sale.rows();
  expect(rows.length).toBeLessThanOrEqual(stock);
  expect(new Set(rows.map(({ user }) => user)).size).toBe(rows.length);
  expect(rows.every(({ unit }) => unit >= 1 && unit <= stock)).toBe(true);
  const rowOf = new Map(rows.map((row) => [row.user, row]));
  for (const { user, seen, unit, code } of buyers.filter(({ ticket }) => ticket !== undefined)) {
    expect([user, seen.at(-1)]).toEqual([user, 'issued']);
    expect(rowOf.get(user)).toMatchObject({ unit, code });
  }
}

test('Redis is flushed in mid-sale: the gate is rebuilt, lost tickets come back to who polls, nothing is sold twice', async (t) => {
  const redis = await keptRedis(t);
  const sale = await openSale(t, { redisUrl: redis.url, database, stock: 600, graceMs: GRACE_MS });
  const early = await sale.buyAll(1, 200);
  await sale.followAll(early);
  // Nobody issues what comes next, so that the flush takes it away.
  for (const worker of sale.workers) await worker.end('SIGKILL');
  const lost = await sale.buyAll(201, 400);
  await redis.client().flushall();
  expect((await sale.ask(`/v1/campaigns/${sale.campaign}/tickets`, 'stranger', 'POST')).status).toBe(503);

  await Promise.all([sale.worker('w3'), sale.worker('w4')]);
  const strangers = sale.buyAll(401, 700);
  await sale.followAll(lost);
  await expectIssued(sale, [...early, ...lost], 600);
  // Their own units, for nobody came before them.
  const rows = await sale.rows();
  expect(rows.filter(({ user }) => Number(user.slice(6)) <= 400).map(({ unit }) => unit)).toEqual(
    Array.from({ length: 400 }, (_, index) => index + 1),
  );
  // Joining again gives the ticket of before.
  for (const buyer of [early[7]!, lost[7]!]) expect((await sale.buy(buyer.user)).ticket).toBe(buyer.ticket);
  await redis.client().hset(keys.gate(sale.campaign), 'recovering_until', 0);
  const late = await strangers;
  expect(late.filter(({ ticket }) => ticket !== undefined)).toHaveLength(200);
  expect(late.filter(({ refusal }) => refusal === 409)).toHaveLength(100);
  await sale.followAll(late);
  await expectIssued(sale, late, 600);
  expect(await database.sql('SELECT epoch, reason FROM epochs WHERE campaign = ?', [sale.campaign])).toEqual([
    { epoch: 2, reason: 'missing' },
  ]);
});

test('an old Redis is put back: what it sold since is not sold again, and its holders keep what they have', async (t) => {
  const redis = await keptRedis(t);
  const sale = await openSale(t, { redisUrl: redis.url, database, stock: 500 });
  const before = await sale.buyAll(1, 150);
  await redis.keep();
  const since = await sale.buyAll(151, 300);
  await sale.followAll([...before, ...since]);
  await redis.putBack();
  const after = await sale.buyAll(301, 520);
  await sale.followAll(after);
  await expectIssued(sale, [...before, ...since, ...after], 500);
  expect(after.filter(({ ticket }) => ticket !== undefined)).toHaveLength(200);
  for (const buyer of [before[3]!, since[3]!]) expect((await sale.buy(buyer.user)).ticket).toBe(buyer.ticket);
});

test('Redis restarts on all its data: the gate opens at once under a new epoch, and old tickets are still good', async (t) => {
  const redis = await keptRedis(t);
  const sale = await openSale(t, { redisUrl: redis.url, database, stock: 300, graceMs: 60_000 });
  const early = await sale.buyAll(1, 100);
  for (const worker of sale.workers) await worker.end('SIGKILL');
  const waiting = await sale.buyAll(101, 200);
  await redis.restart();
  await sale.worker('w3');
  // The grace of a minute is not for a gate that was found whole.
  const after = await sale.buyAll(201, 330);
  await sale.followAll([...early, ...waiting, ...after]);
  await expectIssued(sale, [...early, ...waiting, ...after], 300);
  expect(after.filter(({ ticket }) => ticket !== undefined)).toHaveLength(100);
  expect((await sale.buy(waiting[5]!.user)).ticket).toBe(waiting[5]!.ticket);
  const rows = await sale.rows();
  expect(rows.map(({ seq }) => seq).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 300 }, (_, i) => i + 1));
  expect([...new Set(rows.map(({ epoch }) => epoch))]).toEqual([1, 2]);
});

test('a work stream is deleted in mid-sale: nobody is told that a lost ticket was issued', async (t) => {
  const redis = await keptRedis(t);
  const sale = await openSale(t, { redisUrl: redis.url, database, stock: 400, shards: 2 });
  const early = await sale.buyAll(1, 50);
  await sale.followAll(early);
  for (const worker of sale.workers) await worker.end('SIGKILL');
  const lost = await sale.buyAll(51, 150);
  await redis.client().del(keys.work(sale.campaign, 1));
  const more = await sale.buyAll(151, 200);
  await sale.worker('w3');
  await sale.followAll([...lost, ...more]);
  await expectIssued(sale, [...early, ...lost, ...more], 400);
});

test('a work stream is deleted and nobody joins any more: it is found out all the same', async (t) => {
  const redis = await keptRedis(t);
  const sale = await openSale(t, { redisUrl: redis.url, database, stock: 400, shards: 2, workers: 1 });
  await sale.followAll(await sale.buyAll(1, 50));
  for (const worker of sale.workers) await worker.end('SIGKILL');
  const lost = await sale.buyAll(51, 90);
  await redis.client().del(keys.work(sale.campaign, 0), keys.work(sale.campaign, 1));
  await sale.worker('w3');
  await expectIssued(sale, await sale.followAll(lost), 400);
});

test('two workers recover one gate at once: one epoch, one rebuild', async (t) => {
  const redis = await keptRedis(t);
  const sale = await openSale(t, { redisUrl: redis.url, database, stock: 100, workers: 3 });
  const buyers = await sale.buyAll(1, 60);
  await sale.followAll(buyers);
  const client = redis.client();
  await client.flushall();
  await until('the gate is open', 15_000, async () => (await client.hget(keys.gate(sale.campaign), 'seq')) === '60');
  expect(await database.sql('SELECT epoch FROM epochs WHERE campaign = ?', [sale.campaign])).toEqual([{ epoch: 2 }]);
  await expectIssued(sale, await sale.followAll(buyers), 100);
});
