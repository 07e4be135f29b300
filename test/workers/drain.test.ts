import { expect, type TestContext, test } from 'vitest';
import { migrate } from '../../src/ledger/migrate.ts';
import { openLedger } from '../../src/ledger/pool.ts';
import { startLocalServices } from '../../src/local/services.ts';
import { GROUP, keys } from '../../src/redis/keys.ts';
import { startWorker, untilPrinted } from '../helpers/processes.ts';
import { startDatabase, startRedis, temporaryFolder } from '../helpers/services.ts';
import { until } from '../helpers/until.ts';
import { ownDatabase } from '../ledger/own-database.ts';
import { type Duties, openDuties, users } from './duties.ts';

const database = ownDatabase();

/** Entries of the consumer that are not settled; none while there is no group yet. */
async function pendingOf(duties: Duties, campaign: string, consumer: string): Promise<number> {
  const pending = duties.redis.xpending(keys.work(campaign, 0), GROUP, '-', '+', 1_000, consumer);
  return ((await pending.catch(() => [])) as unknown[]).length;
}

/** Each row takes 2 ms: a batch of 500 takes a second, long enough to be met in the middle. */
const slowDown = (t: TestContext) => database.beforeEachRow(t, 'slow', 'DO SLEEP(0.002)');

test('SIGTERM in the middle of a batch finishes it: exit code 0, nothing pending, nothing new taken', async (t) => {
  const { url: redisUrl } = await startRedis(t);
  const duties = openDuties(t, { redisUrl, ledger: database.open() });
  const campaign = await duties.openCampaign({ stock: 10_000 });
  const client = duties.client();
  await client.admit(campaign, users(1, 10_000));
  await slowDown(t);
  const worker = await startWorker(t, { redisUrl, databaseUrl: database.url() }, 'drained');
  expect(await until('a batch in hand', () => pendingOf(duties, campaign, 'drained'))).toBe(500);

  expect((await worker.end('SIGTERM')).code).toBe(0);
  expect(await pendingOf(duties, campaign, 'drained')).toBe(0);
  const [row] = await database.sql('SELECT COUNT(*) AS n FROM issuances WHERE campaign = ?', [campaign]);
  const { settledCount } = (await duties.readGates([campaign]))[0]!;
  expect(row!.n).toBe(settledCount);
  expect(settledCount).toBeGreaterThanOrEqual(500);
  expect(settledCount).toBeLessThan(10_000);
});

test('an idle worker that is asked to end does so, with nothing to give up', async (t) => {
  const { url: redisUrl } = await startRedis(t);
  const duties = openDuties(t, { redisUrl, ledger: database.open() });
  const campaign = await duties.openCampaign({ stock: 10 });
  const client = duties.client();
  const worker = await startWorker(t, { redisUrl, databaseUrl: database.url() }, 'idle');
  const [ticket] = await client.admit(campaign, ['user-1']);
  await client.untilStatus(ticket!, 'issued', 10_000);
  // One that waited for something would be cut at its deadline, with another exit code.
  expect((await worker.end('SIGTERM')).code).toBe(0);
});

test('what a worker killed in the middle of a batch had in hand is claimed by another name and issued once', async (t) => {
  const { url: redisUrl } = await startRedis(t);
  const duties = openDuties(t, { redisUrl, ledger: database.open() });
  const campaign = await duties.openCampaign({ stock: 500 });
  const client = duties.client();
  const tickets = await client.admit(campaign, users(1, 500));
  await slowDown(t);
  const stores = { redisUrl, databaseUrl: database.url() };
  const dead = await startWorker(t, stores, 'dead');
  await until('a batch in hand', 10_000, () => pendingOf(duties, campaign, 'dead'));
  await dead.end('SIGKILL');
  expect(await pendingOf(duties, campaign, 'dead')).toBe(500);
  await startWorker(t, stores, 'heir', { CLAIM_IDLE_MS: '1000' });
  for (const ticket of tickets) await client.untilStatus(ticket, 'issued', 15_000);
  expect(await pendingOf(duties, campaign, 'dead')).toBe(0);
  expect(await database.sql('SELECT COUNT(*) AS n FROM issuances WHERE campaign = ?', [campaign])).toEqual([
    { n: 500 },
  ]);
});

test('a worker that cannot finish what it has in hand leaves it pending and says so by its exit code', async (t) => {
  const [{ url: redisUrl }, server] = await Promise.all([startRedis(t), startDatabase(t)]);
  const ledger = openLedger({
    url: server.url,
    name: 'test',
    connectionMax: 2,
    queueMax: 9,
    acquireMs: 5_000,
    statementMs: 9_000,
  });
  t.onTestFinished(() => ledger.close());
  await migrate(ledger);
  const duties = openDuties(t, { redisUrl, ledger });
  const campaign = await duties.openCampaign({ stock: 50 });
  const client = duties.client();
  await client.admit(campaign, users(1, 50));
  await ledger.run('CREATE TRIGGER slow BEFORE INSERT ON issuances FOR EACH ROW DO SLEEP(10)', []);
  const worker = await startWorker(t, { redisUrl, databaseUrl: server.url }, 'unfinished');
  await until('a batch in hand', 10_000, () => pendingOf(duties, campaign, 'unfinished'));
  expect((await worker.end('SIGTERM')).code).toBe(1);
  expect(await pendingOf(duties, campaign, 'unfinished')).toBe(50);
});

test('a worker that is asked to end while Redis and the ledger are gone ends within its deadline', async (t) => {
  const dataDir = await temporaryFolder(t);
  const services = await startLocalServices({ dataDir, redis: true, database: true, report: () => undefined });
  t.onTestFinished(() => services.close());
  const stores = { redisUrl: services.redisUrl!, databaseUrl: services.databaseUrl! };
  const limits = { connectionMax: 1, queueMax: 1, acquireMs: 500, statementMs: 500 };
  const ledger = openLedger({ url: stores.databaseUrl, name: 'test', ...limits });
  await migrate(ledger);
  await ledger.close();
  const worker = await startWorker(t, stores, 'bereft');
  await services.close();
  await untilPrinted(worker, /ECONNREFUSED/);
  // Its stores do not come back: what it does not end by itself, nothing does.
  expect((await worker.end('SIGTERM')).signal).toBeNull();
});
