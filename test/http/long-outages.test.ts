import { readFileSync } from 'node:fs';
import mysql from 'mysql2/promise';
import { expect, type TestContext, test } from 'vitest';
import { pause } from '../../src/lifecycle.ts';
import { limits } from '../../src/limits.ts';
import { loneRedis } from '../helpers/lone-redis.ts';
import { startFront, startWorker } from '../helpers/processes.ts';
import { startDatabase, uniqueName } from '../helpers/services.ts';
import { type Shot, steadyLoad, withinMs } from '../helpers/steady-load.ts';
import { until } from '../helpers/until.ts';

const OUTAGE_MS = 8_000;
/** After this long into the outage the breaker is open: three calls have run out, each within its limit. */
const OPEN_AFTER_MS = limits.gateCallMs + 500;

const residentMb = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1_024;

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
  'Redis gone for seconds under load (%s): every join is answered, at once when the breaker is open, and MySQL is not asked',
  { timeout: 60_000, retry: 2 },
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
    const first = await until('an admission', 5_000, () => joins.shots.find(({ status }) => status === 202));
    const { ticket } = first.body as { ticket: string };
    const polls = steadyLoad(t, front.url, 100, () => ({ method: 'GET', path: `/v1/tickets/${ticket}` }));
    // What costs nothing, asked at the same time: beside a busy suite a limit in ms measures the machine.
    const control = steadyLoad(t, front.url, 50, () => ({ method: 'GET', path: '/livez' }));
    await pause(1_000);

    const countStatements = await statementCounter(t, database.url);
    // What looks at the campaigns asks in any case, and more while rows are written.
    const usualFrom = await countStatements();
    await pause(OUTAGE_MS / 4);
    const usual = ((await countStatements()) - usualFrom) * 4;
    const [mbBefore, statementsBefore] = [residentMb(front.pid), await countStatements()];
    const goneAt = performance.now();
    redis.signal(how);
    await pause(OUTAGE_MS);
    const [mbAfter, statementsAfter] = [residentMb(front.pid), await countStatements()];
    const backAt = performance.now();
    if (how === 'SIGSTOP') redis.signal('SIGCONT');
    else redis.start();
    const served = ({ status, sentAt }: Shot) => status === 202 && sentAt > backAt;
    await until('a join is admitted again', 5_000, () => joins.shots.some(served));
    const recoveredMs = Math.min(...joins.shots.filter(served).map(({ sentAt }) => sentAt)) - backAt;
    await Promise.all([joins.stop(), polls.stop(), control.stop()]);

    const sentIn = (shots: Shot[], from: number, to: number) =>
      shots.filter(({ sentAt }) => sentAt >= from && sentAt < to);
    const early = sentIn(joins.shots, goneAt, goneAt + OPEN_AFTER_MS);
    const late = sentIn(joins.shots, goneAt + OPEN_AFTER_MS, backAt);
    const idle = sentIn(control.shots, goneAt, backAt);
    const polled = sentIn(polls.shots, goneAt, backAt);
    console.log(
      `${how}: joins p50 ${withinMs(late, 0.5).toFixed(1)} p99 ${withinMs(late, 0.99).toFixed(1)} ms once open, at most ${withinMs(early, 1).toFixed(0)} ms ` +
        `before; polls p99 ${withinMs(polled, 0.99).toFixed(1)} ms, /livez ${withinMs(idle, 0.99).toFixed(1)} ms; memory ${(mbAfter - mbBefore).toFixed(1)} MB; ` +
        `service back after ${recoveredMs.toFixed(0)} ms; statements ${statementsAfter - statementsBefore}, before ${usual}`,
    );
    expect(new Set(joins.shots.map(({ status }) => status))).toEqual(new Set([202, 503]));
    expect(new Set(late.map(({ status }) => status))).toEqual(new Set([503]));
    expect(late.length).toBeGreaterThan(1_000);
    expect(withinMs(late, 0.99)).toBeLessThan(50 + 1.5 * withinMs(idle, 0.99));
    expect(withinMs(early, 1)).toBeLessThan(limits.gateCallMs + 300 + withinMs(idle, 1));
    expect(new Set(polls.shots.map(({ status }) => status))).toEqual(new Set([200]));
    expect(withinMs(polled, 0.99)).toBeLessThan(50 + 1.5 * withinMs(idle, 0.99));
    expect(mbAfter - mbBefore).toBeLessThan(50);
    expect(statementsAfter - statementsBefore).toBeLessThanOrEqual(usual);
    expect(recoveredMs).toBeLessThan(2_000);
  },
);
