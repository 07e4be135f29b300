import { expect, test } from 'vitest';
import { freePort } from '../helpers/free-port.ts';
import { type Running, startFront, startWorker } from '../helpers/processes.ts';
import { redisUrl, uniqueName } from '../helpers/services.ts';
import { type Shot, steadyLoad } from '../helpers/steady-load.ts';
import { until } from '../helpers/until.ts';
import { ownDatabase } from '../ledger/own-database.ts';
import { PROBE_MS, startBalancer } from './balancer.ts';

const database = ownDatabase();
/** So many probes that a balancer on a busy machine has heard of it in time; a production front gives 5 s. */
const NOTICE_MS = 30 * PROBE_MS;

interface TicketBody {
  ticket: string;
  status: string;
}

test('two fronts and two workers restarted in turn under load: no request fails, every ticket is issued once', async (t) => {
  const stores = { redisUrl: redisUrl(), databaseUrl: database.url() };
  const settings = { DRAIN_NOTICE_MS: String(NOTICE_MS), POLLS_PER_CLIENT_PER_SECOND: '0', LOG_LEVEL: 'warn' };
  const ports = [await freePort(), await freePort()];
  const openFront = (port: number) => startFront(t, stores, { ...settings, PORT: String(port) });
  const openWorker = (name: string) => startWorker(t, stores, name);
  const [left, right, ...workers] = await Promise.all([
    openFront(ports[0]!),
    openFront(ports[1]!),
    openWorker('left'),
    openWorker('right'),
  ]);
  const balancer = await startBalancer(t, [left.url, right.url]);
  const campaign = uniqueName('rolling');
  const created = await fetch(`${left.adminUrl}/admin/campaigns`, {
    method: 'POST',
    headers: { authorization: `Bearer ${left.adminToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ id: campaign, stock: 100_000 }),
  });
  expect(created.status).toBe(201);

  const path = `/v1/campaigns/${campaign}/tickets`;
  const join = (n: number) => ({ method: 'POST', path, headers: { 'x-user-id': `user-${n}` } }) as const;
  const joins = steadyLoad(t, balancer.url, 100, join);
  const ticketsOf = (shots: Shot[]) =>
    shots.filter(({ status }) => status === 202).map(({ body }) => body as TicketBody);
  await until('a ticket', 5_000, () => ticketsOf(joins.shots)[0]);
  const anyTicket = (n: number) => {
    const { body } = joins.shots[(n * 7919) % joins.shots.length]!;
    return { method: 'GET', path: `/v1/tickets/${(body as TicketBody).ticket}` } as const;
  };
  const polls = steadyLoad(t, balancer.url, 100, anyTicket);
  // The last ticket there is, waited for: some of these wait while their front goes.
  const longPolls = steadyLoad(t, balancer.url, 5, () => {
    const { body } = joins.shots.at(-1)!;
    return { method: 'GET', path: `/v1/tickets/${(body as TicketBody).ticket}`, headers: { prefer: 'wait=5' } };
  });

  const restart = async (front: Running & { url: string }, port: number) => {
    const ended = front.end('SIGTERM');
    await until('the balancer has heard of it', () => !balancer.isReady(front.url));
    const { code, tookMs } = await ended;
    expect([code, front.output()]).toEqual([0, expect.not.stringContaining('"level":50')]);
    expect(tookMs).toBeGreaterThan(NOTICE_MS);
    await openFront(port);
    await until('it gets requests again', 5_000, () => balancer.isReady(front.url));
  };
  await restart(left, ports[0]!);
  expect((await workers[0]!.end('SIGTERM')).code).toBe(0);
  await openWorker('left');
  await restart(right, ports[1]!);
  expect((await workers[1]!.end('SIGTERM')).code).toBe(0);
  await openWorker('right');
  await Promise.all([joins.stop(), polls.stop(), longPolls.stop()]);

  expect(balancer.broken).toEqual([]);
  // A request without an answer shows why.
  const statusesOf = ({ shots }: { shots: Shot[] }) => [...new Set(shots.map(({ status, body }) => status || body))];
  expect([joins, polls, longPolls].map(statusesOf)).toEqual([[202], [200], [200]]);
  console.log(
    `${joins.shots.length} joins, ${polls.shots.length} polls, ${longPolls.shots.length} long-polls, 0 failed`,
  );
  const tickets = new Set(ticketsOf(joins.shots).map(({ ticket }) => ticket));
  expect(tickets.size).toBe(joins.shots.length);
  await until('all are issued', 15_000, async () => {
    const [row] = await database.sql('SELECT COUNT(*) AS n FROM issuances WHERE campaign = ?', [campaign]);
    return row!.n === tickets.size;
  });
});
