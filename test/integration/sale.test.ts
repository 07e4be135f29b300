import { expect, test } from 'vitest';
import { limits } from '../../src/process/limits.ts';
import { DEADLINE_MS } from '../helpers/deadlines.ts';
import { startFront, startWorker } from '../helpers/processes.ts';
import { redisUrl, uniqueName } from '../helpers/services.ts';
import { ownDatabase } from '../ledger/own-database.ts';
import { expectKept, finalAnswers, holdSale, openSale } from './sale-run.ts';

const database = ownDatabase();
const WORKERS = ['w1', 'w2', 'w3'];

test('20,000 joins by 10,000 users, each twice at once, for 3,000 units at 8 shards with 3 workers', {
  timeout: 5 * DEADLINE_MS,
}, async (t) => {
  const stores = { redisUrl: redisUrl(), databaseUrl: database.url() };
  const [front] = await Promise.all([startFront(t, stores), ...WORKERS.map((name) => startWorker(t, stores, name))]);
  const plan = { campaign: uniqueName('sale'), stock: 3_000, buyers: 10_000, ratePerSecond: 2_000, shards: 8 };
  const load = openSale(front, plan);
  t.onTestFinished(async () => void (await load.close()));
  await load.open();
  const sale = await holdSale(load, plan, stores.databaseUrl);
  expectKept(sale);

  // Word for word: 3,000 × 202, each repeat 200 with the same string (checked above), the rest 409 sold-out.
  const answers = [...finalAnswers(sale.log).values()].flat();
  expect(answers.length).toBe(20_000);
  expect(
    Object.fromEntries(
      Map.groupBy(answers, ({ status }) => status)
        .entries()
        .map(([s, all]) => [s, all.length]),
    ),
  ).toEqual({ 202: 3_000, 200: 3_000, 409: 14_000 });
  expect(answers.filter(({ status }) => status === 409).every(({ kind }) => kind === 'sold-out')).toBe(true);
  expect(sale.log.joins.filter(({ status }) => ![202, 200, 409].includes(status))).toEqual([]);

  const { inversionMaxTickets } = sale.check;
  console.log(`measured inversion: ${inversionMaxTickets} tickets; joins p99 ${sale.verdict.joinP99Ms} ms`);
  expect(inversionMaxTickets).toBeLessThanOrEqual(limits.workBatchMax * WORKERS.length);
  expect(await database.sql('SELECT COUNT(*) AS n FROM dead_letters WHERE campaign = ?', [plan.campaign])).toEqual([
    { n: 0 },
  ]);
});
