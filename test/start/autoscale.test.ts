// WORKERS=auto on a real backlog: from one worker to as many as the database has room for, and back to one.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import mysql from 'mysql2/promise';
import { expect, type TestContext, test } from 'vitest';
import { createGate } from '../../src/gate/redis/gate.ts';
import { asAdministrator } from '../helpers/database-administrator.ts';
import { commandOf, signalIfThere, untilPrinted } from '../helpers/processes.ts';
import { testRedis } from '../helpers/redis.ts';
import { until } from '../helpers/until.ts';
import { joinOf } from '../lua/sold.ts';
import { openCampaign, openPlace, type Sluice, startSluice, stillThere } from './sluice.ts';

const CONNECTIONS_EACH = 2;
const SPARE = 12;
const AFFORDABLE = 3;
/** Each row takes so long that a backlog stands while workers come and go. */
const ROW_SECONDS = 0.01;

const SCALING = {
  WORKERS: 'auto',
  WORKERS_MAX: '6',
  WORKER_CONNECTIONS: String(CONNECTIONS_EACH),
  SCALE_TICKETS: '100',
  SCALE_CALM_MS: '1000',
  SCALE_SPARE_CONNECTIONS: String(SPARE),
  CLAIM_IDLE_MS: '5000',
};

async function startSale(t: TestContext, stock: number) {
  const place = await openPlace(t);
  Object.assign(place.environment, SCALING);
  const sluice = await startSluice(t, place);
  const { redisUrl, databaseUrl } = JSON.parse(readFileSync(join(place.dataDir, 'services.json'), 'utf8')) as {
    redisUrl: string;
    databaseUrl: string;
  };
  const url = await asAdministrator(place.dataDir, databaseUrl);
  const sql = await mysql.createConnection({ uri: url });
  t.onTestFinished(() => sql.end());
  const ask = async (statement: string) => (await sql.query(statement))[0] as unknown as Record<string, unknown>[];
  await ask(`SET GLOBAL max_connections = ${SPARE + AFFORDABLE * CONNECTIONS_EACH + 1}`);
  await ask(`CREATE TRIGGER slow BEFORE INSERT ON issuances FOR EACH ROW SET @slow = SLEEP(${ROW_SECONDS})`);
  await openCampaign(sluice, 'sale', stock);
  const redis = testRedis(t, redisUrl);
  const gate = createGate(redis);
  const shape = { id: 'sale', epoch: 1, shards: 8, buckets: 16 };
  const buckets = async () => Number(await redis.hget((await redis.keys('*:sale:gate'))[0] ?? '', 'buckets'));
  await until('the gate is there', async () => {
    const told = await buckets();
    if (told > 0) shape.buckets = told;
    return told > 0;
  });
  return { sluice, ask, gate, shape };
}

type Sale = Awaited<ReturnType<typeof startSale>>;

/** All at once: the backlog is real tickets, which no worker had a chance to issue before. */
async function sell({ gate, shape }: Sale, stock: number): Promise<void> {
  for (let from = 0; from < stock; from += 100) {
    const joins = Array.from({ length: 100 }, (_, n) => joinOf('sale', `user-${from + n}`));
    const { decisions } = await gate.admit(shape, joins, 0);
    expect(decisions.map(({ kind }) => kind)).toEqual(joins.map(() => 'admitted'));
  }
}

const workersOf = ({ family }: Sluice) => family().filter(({ pid }) => /workers\/main\.ts/.test(commandOf(pid)));

/** Looks all the time; gives the most worker processes that were there at once. */
function watchWorkers(t: TestContext, sluice: Sluice): () => number {
  let most = 0;
  const timer = setInterval(() => {
    most = Math.max(most, workersOf(sluice).length);
  }, 50);
  t.onTestFinished(() => clearInterval(timer));
  return () => most;
}

async function expectAllIssued({ ask }: Sale, stock: number): Promise<void> {
  const [counts] = await ask(
    'SELECT COUNT(*) AS n, COUNT(DISTINCT user) AS users, COUNT(DISTINCT unit) AS units FROM issuances',
  );
  expect(Object.values(counts!).map(Number)).toEqual([stock, stock, stock]);
  expect(await ask('SELECT id FROM dead_letters')).toEqual([]);
  // The database never had to refuse a connection.
  const [refused] = await ask("SHOW GLOBAL STATUS LIKE 'Connection_errors_max_connections'");
  expect(Number(refused!.Value)).toBe(0);
}

test('a backlog takes workers from one to what the database has room for and back to one, and every ticket is issued', {
  timeout: 300_000,
}, async (t) => {
  const stock = 3_000;
  const sale = await startSale(t, stock);
  const { sluice } = sale;
  expect(workersOf(sluice)).toHaveLength(1);
  const most = watchWorkers(t, sluice);
  await sell(sale, stock);
  await until('there are as many as there may be', 120_000, () => workersOf(sluice).length === AFFORDABLE);
  await untilPrinted(sluice, /workers: 3: the database allows 19 connections, .* and a worker takes 2; \d+ ticket/);
  await until('all tickets are issued and one worker is left', 200_000, async () => {
    const [count] = await sale.ask('SELECT COUNT(*) AS n FROM issuances');
    return Number(count!.n) === stock && workersOf(sluice).length === 1;
  });
  expect(most()).toBe(AFFORDABLE);
  expect(sluice.output()).toMatch(/workers: 1 -> 2 \(\d+ ticket\(s\) wait, the oldest for \d+\.\d s\)/);
  expect(sluice.output()).toMatch(/workers: 2 -> 1 \(fewer were enough for 1 s; 0 ticket\(s\) wait/);
  await expectAllIssued(sale, stock);
  const family = sluice.family();
  expect((await sluice.end()).code).toBe(0);
  expect(stillThere(family)).toEqual([]);
});

test('a worker was killed again and again: each is replaced, none beyond what there may be, and no ticket is lost', {
  timeout: 300_000,
}, async (t) => {
  const stock = 3_000;
  const sale = await startSale(t, stock);
  const { sluice } = sale;
  const most = watchWorkers(t, sluice);
  await sell(sale, stock);
  await until('there are two', 120_000, () => workersOf(sluice).length >= 2);
  const killed = new Set<number>();
  const killer = setInterval(() => {
    const alive = workersOf(sluice);
    const victim = alive[killed.size % Math.max(1, alive.length)];
    if (victim === undefined) return;
    signalIfThere(victim.pid, 'SIGKILL');
    killed.add(victim.pid);
  }, 1_000);
  t.onTestFinished(() => clearInterval(killer));
  await until('ten were killed', 120_000, () => killed.size >= 10);
  clearInterval(killer);
  await until('all tickets are issued and one worker is left', 200_000, async () => {
    const [count] = await sale.ask('SELECT COUNT(*) AS n FROM issuances');
    return Number(count!.n) === stock && workersOf(sluice).length === 1;
  });
  expect(most()).toBeLessThanOrEqual(AFFORDABLE);
  expect(sluice.output()).toMatch(/worker \d: ended \(SIGKILL\); starting it again in \d+ ms/);
  await expectAllIssued(sale, stock);
});
