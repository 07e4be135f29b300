import { expect, test } from 'vitest';
import { openSource } from '../contract/redis-source.ts';
import { loneRedis } from '../helpers/lone-redis.ts';
import { startWorker } from '../helpers/processes.ts';
import { startRedis } from '../helpers/services.ts';
import { startTcpProxy } from '../helpers/tcp-proxy.ts';
import { until } from '../helpers/until.ts';
import { ownDatabase } from '../ledger/own-database.ts';
import { openDuties, users } from './duties.ts';

const database = ownDatabase();

test('a reader whose connection fell silent reads again by another one', async (t) => {
  const { url } = await startRedis(t);
  const proxy = await startTcpProxy(t, url);
  const duties = openDuties(t, { redisUrl: url, ledger: database.open() });
  const campaign = await duties.openCampaign({ stock: 20 });
  const client = duties.client();
  const source = openSource({ redis: duties.redis, url: proxy.url, name: 'behind-the-proxy' });
  duties.issue(campaign, { source });
  const [first] = await client.admit(campaign, ['user-1']);
  await client.untilStatus(first!, 'issued');
  proxy.strand();
  const tickets = await client.admit(campaign, users(2, 20));
  for (const ticket of tickets) await client.untilStatus(ticket, 'issued', 10_000);
});

test('Redis stopped for longer than any wait of a worker: it goes on by itself, and its reader too', async (t) => {
  const redis = await loneRedis(t);
  const duties = openDuties(t, { redisUrl: redis.url, ledger: database.open() });
  const campaign = await duties.openCampaign({ stock: 200, shards: 2 });
  const client = duties.client();
  const worker = await startWorker(t, { redisUrl: redis.url, databaseUrl: database.url() }, 'patient');
  const [first] = await client.admit(campaign, ['user-1']);
  await client.untilStatus(first!, 'issued', 10_000);
  redis.signal('SIGSTOP');
  const stoppedAt = Date.now();
  await until('the worker has given up its connections', () => Date.now() - stoppedAt > 10_000);
  redis.signal('SIGCONT');
  const tickets = await client.admit(campaign, users(2, 200));
  for (const ticket of tickets) await client.untilStatus(ticket, 'issued', 10_000);
  expect(worker.child.exitCode ?? worker.child.signalCode).toBeNull();
});
