import mysql from 'mysql2/promise';
import { expect, type TestContext, test } from 'vitest';
import { limits } from '../../src/process/limits.ts';
import { loneRedis } from '../helpers/lone-redis.ts';
import { startFront, startWorker } from '../helpers/processes.ts';
import { startDatabase, uniqueName } from '../helpers/services.ts';
import { steadyLoad } from '../helpers/steady-load.ts';
import { until } from '../helpers/until.ts';

/** Joins of each half: before Redis goes, and while it is away. */
const JOINS = 1_000;
/** A join that was sent this long before Redis was back may have waited for it; so may one that was on its way when it went. */
const WAITS_MS = limits.gateCallMs;

/** Reads how many statements the server was ever asked, this question not counted. */
async function statementCounter(t: TestContext, url: string): Promise<() => Promise<number>> {
  const connection = await mysql.createConnection({ uri: url });
  t.onTestFinished(() => connection.end());
  let asked = 0;
  return async () => {
    const [rows] = await connection.query("SHOW GLOBAL STATUS LIKE 'Questions'");
    asked += 1;
    return Number((rows as { Value: string }[])[0]!.Value) - asked;
  };
}

async function openCampaign(front: { adminUrl: string; adminToken: string }): Promise<string> {
  const id = uniqueName('outage');
  const answer = await fetch(`${front.adminUrl}/admin/campaigns`, {
    method: 'POST',
    headers: { authorization: `Bearer ${front.adminToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ id, stock: 1_000_000 }),
  });
  expect(answer.status).toBe(201);
  return id;
}

test.for(['SIGSTOP', 'SIGKILL'] as const)(
  'Redis gone for seconds under load (%s): every join is answered, and MySQL is not asked',
  async (how, t) => {
    const [redis, database] = await Promise.all([loneRedis(t), startDatabase(t)]);
    const front = await startFront(
      t,
      { redisUrl: redis.url, databaseUrl: database.url },
      { LOG_LEVEL: 'silent', POLLS_PER_CLIENT_PER_SECOND: '0' },
    );
    // Without a worker a gate stays closed after its server was started anew.
    await startWorker(t, { redisUrl: redis.url, databaseUrl: database.url }, 'w1', { LOG_LEVEL: 'info' });
    const campaign = await openCampaign(front);
    const path = `/v1/campaigns/${campaign}/tickets`;
    const joins = steadyLoad(t, front.url, 300, (n) => ({
      method: 'POST',
      path,
      headers: { 'x-user-id': `user-${n}` },
    }));
    const first = await until('an admission', () => joins.shots.find(({ status }) => status === 202));
    const { ticket } = first.body as { ticket: string };
    const polls = steadyLoad(t, front.url, 100, () => ({ method: 'GET', path: `/v1/tickets/${ticket}` }));
    const countStatements = await statementCounter(t, database.url);
    const joined = (count: number) => {
      const enough = joins.shots.length + count;
      return until(`${count} joins`, () => joins.shots.length >= enough);
    };
    // What looks at the campaigns asks in any case, and more while rows are written.
    const usualFrom = await countStatements();
    await joined(JOINS);
    const usual = (await countStatements()) - usualFrom;
    redis.signal(how);
    const [goneAt, statementsFrom] = [performance.now(), await countStatements()];
    await joined(JOINS);
    const statements = (await countStatements()) - statementsFrom;
    const backAt = performance.now();
    if (how === 'SIGSTOP') redis.signal('SIGCONT');
    else redis.start();
    await until('a join is admitted again', () =>
      joins.shots.some(({ status, sentAt }) => status === 202 && sentAt > backAt),
    );
    await Promise.all([joins.stop(), polls.stop()]);

    const meanwhile = joins.shots.filter(({ sentAt }) => sentAt > goneAt + WAITS_MS && sentAt < backAt - WAITS_MS);
    console.log(`${how}: ${meanwhile.length} joins meanwhile, ${statements} statements, ${usual} before`);
    expect(new Set(joins.shots.map(({ status }) => status))).toEqual(new Set([202, 503]));
    expect(new Set(meanwhile.map(({ status }) => status))).toEqual(new Set([503]));
    expect(new Set(polls.shots.map(({ status }) => status))).toEqual(new Set([200]));
    expect(statements).toBeLessThanOrEqual(usual);
  },
);
