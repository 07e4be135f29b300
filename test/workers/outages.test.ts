import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, type TestContext, test } from 'vitest';
import { ensureGroups } from '../../src/gate/redis/work-groups.ts';
import { migrate } from '../../src/ledger/migrate.ts';
import { openLedger } from '../../src/ledger/pool.ts';
import { limits } from '../../src/process/limits.ts';
import { GROUP, keys } from '../../src/redis/keys.ts';
import { readLedger } from '../../src/rehearsal/ledger-reader.ts';
import { signalIfThere, startWorker, untilPrinted } from '../helpers/processes.ts';
import { startDatabase, startRedis } from '../helpers/services.ts';
import { until } from '../helpers/until.ts';
import { ownDatabase } from '../ledger/own-database.ts';
import { openDuties, users } from './duties.ts';

const database = ownDatabase();
/** Less patient than a worker, so that a frozen ledger is met many times within a test. */
const HASTY = { name: 'test', connectionMax: 4, queueMax: 100, acquireMs: 1_000, statementMs: 1_000 };

const pidOf = (dataDir: string, name: 'redis' | 'database'): number =>
  (JSON.parse(readFileSync(join(dataDir, `${name}.pid`), 'utf8')) as { pid: number }).pid;

/** The ledger of a test that stops its server. */
async function ownLedger(t: TestContext, url: string) {
  const ledger = openLedger({ ...HASTY, url });
  t.onTestFinished(() => ledger.close());
  await migrate(ledger);
  return ledger;
}

test('a frozen ledger: nobody acks or receives, joins go on, and after it the drain resumes with nothing lost', async (t) => {
  const [redis, server] = await Promise.all([startRedis(t), startDatabase(t)]);
  const ledger = await ownLedger(t, server.url);
  const duties = openDuties(t, { redisUrl: redis.url, ledger });
  const [campaign, other] = [
    await duties.openCampaign({ stock: 600, shards: 3 }),
    await duties.openCampaign({ stock: 50 }),
  ];
  const client = duties.client();
  const tickets = await client.admit(campaign, users(1, 100));
  duties.issue(campaign);
  duties.issue(other);
  await client.untilStatus(tickets[99]!, 'issued');

  const pid = pidOf(server.dataDir, 'database');
  process.kill(pid, 'SIGSTOP');
  t.onTestFinished(() => signalIfThere(pid, 'SIGCONT'));
  tickets.push(...(await client.admit(campaign, users(101, 600))));
  await until('nobody asks the ledger any more', 20_000, () => duties.guard.breaker.isOpen());
  const openAt = Date.now();
  const errorCount = duties.errors.length;
  // A read that was under way when it opened ends within its wait.
  await until('no read is under way', () => Date.now() - openAt > 1.5 * limits.receiveMs);
  const left = await client.admit(other, users(1, 50));
  // The ledger says nothing meanwhile: a poll that asked it would have no answer.
  for (let i = 0; i < 100; i += 1) expect(await client.poll(tickets[599]!)).toMatchObject({ ticket: tickets[599] });
  await until('several probes', () => Date.now() - openAt > 5 * limits.ledgerProbeMs);
  expect(await duties.redis.xlen(keys.work(other, 0))).toBe(50);
  await ensureGroups(duties.redis, other, 1);
  expect((await duties.redis.xpending(keys.work(other, 0), GROUP))[0]).toBe(0);
  expect((await duties.readGates([campaign]))[0]).toMatchObject({ seq: 600 });
  expect(await client.poll(tickets[599]!)).toMatchObject({ status: 'queued' });
  expect(duties.errors.length).toBeLessThan(errorCount + 10);

  duties.working.length = 0;
  process.kill(pid, 'SIGCONT');
  for (const ticket of [...tickets, ...left]) await client.untilStatus(ticket, 'issued', 20_000);
  expect(duties.working.slice(0, 2)).toEqual([1, 1]);
  const { rows, deadLetterSeqs } = await readLedger(server.url, campaign);
  expect(rows.map(({ unit }) => unit).toSorted((a, b) => a - b)).toEqual(users(1, 600).map((_, index) => index + 1));
  expect(deadLetterSeqs).toEqual([]);
});

test('a ledger that is read-only for a while is waited for, and no ticket is blamed', async (t) => {
  const [redis, server] = await Promise.all([startRedis(t), startDatabase(t)]);
  const root = await ownLedger(t, server.url);
  const name = 'worker_without_super';
  await root.run(`CREATE USER ${name}@'127.0.0.1' IDENTIFIED BY 'pw'`, []);
  await root.run(`GRANT SELECT, INSERT, UPDATE ON sluice.* TO ${name}@'127.0.0.1'`, []);
  const url = Object.assign(new URL(server.url), { username: name, password: 'pw' }).href;
  const ledger = openLedger({ ...HASTY, url });
  t.onTestFinished(() => ledger.close());
  const duties = openDuties(t, { redisUrl: redis.url, ledger, pace: { attemptsMax: 1, backoffMs: 10 } });
  const campaign = await duties.openCampaign({ stock: 50 });
  await root.run('SET GLOBAL read_only = 1', []);
  const client = duties.client();
  const tickets = await client.admit(campaign, users(1, 50));
  duties.issue(campaign);
  duties.retry();
  await until('nobody asks the ledger any more', 10_000, () => duties.guard.breaker.isOpen());
  expect((await duties.readGates([campaign]))[0]).toMatchObject({ settledCount: 0, retryingCount: 0 });
  await root.run('SET GLOBAL read_only = 0', []);
  for (const ticket of tickets) await client.untilStatus(ticket, 'issued', 10_000);
  expect((await readLedger(server.url, campaign)).deadLetterSeqs).toEqual([]);
});

test('Redis killed and back on its data: workers go on without a restart, also with retries', async (t) => {
  const redis = await startRedis(t);
  const stores = { redisUrl: redis.url, databaseUrl: database.url() };
  const duties = openDuties(t, { redisUrl: redis.url, ledger: database.open() });
  const campaign = await duties.openCampaign({ stock: 1_000, shards: 4 });
  const client = duties.client();
  const relent = await database.beforeEachRow(
    t,
    'refuse_700',
    "IF NEW.user = 'user-700' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'refused on purpose'; END IF",
  );
  const workers = await Promise.all(['w1', 'w2'].map((name) => startWorker(t, stores, name)));
  const tickets = await client.admit(campaign, users(1, 700));
  await client.untilStatus(tickets[699]!, 'retrying', 10_000);

  for (let kills = 0; kills < 2; kills += 1) {
    const pid = pidOf(redis.dataDir, 'redis');
    process.kill(pid, 'SIGKILL');
    await expect.poll(() => duties.redis.ping().catch(() => 'away')).toBe('PONG');
    expect(pidOf(redis.dataDir, 'redis')).not.toBe(pid);
    const from = 701 + kills * 100;
    const more = await client.admit(campaign, users(from, from + 99));
    for (const ticket of more) await client.untilStatus(ticket, 'issued', 10_000);
    tickets.push(...more);
  }
  await relent();
  await client.untilStatus(tickets[699]!, 'issued', 20_000);
  expect(workers.map(({ child }) => child.exitCode ?? child.signalCode)).toEqual([null, null]);
  expect(await database.sql('SELECT COUNT(*) AS n FROM issuances WHERE campaign = ?', [campaign])).toEqual([
    { n: 900 },
  ]);
});

test('a worker that starts while the ledger is away goes to work when it comes', async (t) => {
  const [redis, server] = await Promise.all([startRedis(t), startDatabase(t)]);
  const ledger = await ownLedger(t, server.url);
  const duties = openDuties(t, { redisUrl: redis.url, ledger });
  const campaign = await duties.openCampaign({ stock: 10 });
  const client = duties.client();
  const tickets = await client.admit(campaign, users(1, 10));
  const pid = pidOf(server.dataDir, 'database');
  process.kill(pid, 'SIGSTOP');
  t.onTestFinished(() => signalIfThere(pid, 'SIGCONT'));
  const worker = await startWorker(t, { redisUrl: redis.url, databaseUrl: server.url }, 'early');
  await untilPrinted(worker, /a worker duty failed/);
  process.kill(pid, 'SIGCONT');
  for (const ticket of tickets) await client.untilStatus(ticket, 'issued', 20_000);
});
