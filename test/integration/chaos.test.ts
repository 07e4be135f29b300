import { expect, test } from 'vitest';
import { DEADLINE_MS } from '../helpers/deadlines.ts';
import { startFront, startWorker } from '../helpers/processes.ts';
import { testRedis } from '../helpers/redis.ts';
import { startRedis, uniqueName } from '../helpers/services.ts';
import { until } from '../helpers/until.ts';
import { startLossyProxy } from '../ledger/lossy-proxy.ts';
import { ownDatabase } from '../ledger/own-database.ts';
import { killWorkers, loseReplies, nameOf } from './chaos.ts';
import { expectKept, finalAnswers, holdSale, openSale, SETTLE_MS } from './sale-run.ts';

const database = ownDatabase();
/** Three names over four workers: two of them are one consumer to Redis. */
const SLOTS = ['w1', 'w1#2', 'w2', 'w3'];

test('workers killed every second, two of one name, and lost replies of the gate change no result', {
  timeout: 5 * DEADLINE_MS,
}, async (t) => {
  const { url: redisUrl } = await startRedis(t);
  const stores = { redisUrl, databaseUrl: database.url() };
  const proxy = await startLossyProxy(t, redisUrl);
  // A slow ledger: there is work until all harm is done, and a worker that dies has some of it in hand.
  await database.beforeEachRow(t, 'slow', 'DO SLEEP(0.01)');
  const [front, ...started] = await Promise.all([
    startFront(t, { ...stores, redisUrl: proxy.url }),
    ...SLOTS.map((slot) => startWorker(t, stores, nameOf(slot))),
  ]);
  const workers = new Map(SLOTS.map((slot, index) => [slot, started[index]!]));
  const plan = { campaign: uniqueName('chaos'), stock: 3_000, buyers: 5_000, ratePerSecond: 400, shards: 8 };
  const load = openSale(front, plan);
  t.onTestFinished(async () => void (await load.close()));
  await load.open();
  const redis = testRedis(t, redisUrl);
  const killer = killWorkers(t, { stores, workers, redis, campaign: plan.campaign, shards: plan.shards });
  const stopLosing = loseReplies(t, proxy, () => load.log.seen.joined);
  const selling = holdSale(load, plan, stores.databaseUrl);
  // As long as the machine needs for as much harm as the test is about.
  await until('five kills', SETTLE_MS, () => killer.killed.length >= 5);
  await until('one of them with work in hand', SETTLE_MS, () => killer.orphanedCount > 0);
  await until('five lost replies', SETTLE_MS, () => proxy.lostCount() >= 5);
  await until('nearly all have an answer', SETTLE_MS, () => load.log.seen.joined > 0.95 * plan.buyers);
  await stopLosing();
  await killer.stop();
  const sale = await selling;
  const told = [...finalAnswers(sale.log).values()];
  const recoveredCount = told.filter((answers) => answers[0]!.ticket && answers.every((a) => a.status === 200)).length;
  const { killed, orphanedCount } = killer;
  console.log(
    `kills ${killed.length} (${killed.join(' ')}), entries in hand of the killed ${orphanedCount}, replies lost ` +
      `${proxy.lostCount()}, tickets told only on asking again ${recoveredCount}, ` +
      `inversion ${sale.check.inversionMaxTickets} tickets`,
  );
  expectKept(sale);
  expect(recoveredCount).toBeGreaterThan(0);
});
