import { expect, test } from 'vitest';
import { createFrontReports, createWorkerReports } from '../../src/redis/worker-reports.ts';
import { until } from '../helpers/until.ts';
import { fronts } from './front.ts';
import { ownRedis } from './own-redis.ts';

const own = fronts();

interface Body {
  stores: { redis: { reachable: boolean }; database: { reachable: boolean } };
  backlog: { tickets: number } | null;
  campaigns: { id: string; backlog: number }[] | null;
  needs: { what: string }[];
}

test('the status says what is there, and what is unknown and needs a person once Redis hangs', {
  timeout: 120_000,
}, async (t) => {
  const redis = await ownRedis(t);
  const front = await own.start(t, { redisUrl: redis.url });
  const look = async () => {
    const answer = await front.admin('GET', '/admin/status');
    expect(answer.status).toBe(200);
    return answer.body as unknown as Body;
  };
  await createWorkerReports(front.redis).report('a-worker', []);
  await createFrontReports(front.redis).report('a-front', []);
  expect((await front.admin('POST', '/admin/campaigns', { id: 'sale', stock: 5 })).status).toBe(201);
  for (const user of ['ann', 'ben', 'cem']) expect((await front.join('sale', user)).status).toBe(202);
  await until('the count is of now', async () => (await look()).backlog?.tickets === 3);
  expect(await look()).toMatchObject({
    stores: {
      redis: { reachable: true, connections: { open: expect.any(Number), max: expect.any(Number) } },
      database: { reachable: true, connections: { open: expect.any(Number), max: expect.any(Number) } },
    },
    fronts: [{ name: 'a-front', reasons: [] }],
    workers: [{ name: 'a-worker', reasons: [] }],
    backlog: { tickets: 3, campaigns: 1 },
    campaigns: [{ id: 'sale', backlog: 3, settled: 0 }],
    retrying: 0,
    deadLetters: 0,
    needs: [],
  });
  redis.stop();
  await until('Redis is missed', 60_000, async () => (await look()).needs[0]?.what === 'redis-unreachable');
  expect(await look()).toMatchObject({
    stores: { redis: { reachable: false, connections: null }, database: { reachable: true } },
    fronts: null,
    workers: null,
    backlog: null,
    campaigns: null,
    deadLetters: 0,
  });
  redis.goOn();
  await until('Redis is seen again', 60_000, async () => (await look()).stores.redis.reachable);
});
