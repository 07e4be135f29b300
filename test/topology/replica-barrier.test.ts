import { expect, type TestContext, test } from 'vitest';
import { createGate } from '../../src/gate/redis/gate.ts';
import { limits } from '../../src/process/limits.ts';
import { openFast, untilReady } from '../../src/redis/connection.ts';
import { keys } from '../../src/redis/keys.ts';
import { createReplicaBarrier } from '../../src/redis/replica-barrier.ts';
import { uniqueName } from '../helpers/own-names.ts';
import { campaignOf } from '../helpers/redis.ts';
import { startTcpProxy } from '../helpers/tcp-proxy.ts';
import { until } from '../helpers/until.ts';
import { fronts } from '../http/front.ts';
import { startCluster } from './cluster.ts';
import { startSentinels } from './sentinel.ts';
import { openServers, PASSWORD, type Server } from './servers.ts';

const file = fronts();

test.for(['sentinel', 'cluster'] as const)(
  'while no replica confirms, a join is unknown and never a 202, and asking again later gives its ticket (%s)',

  async (topology) => {
    await using group = topology === 'cluster' ? await startCluster() : await startSentinels();
    await using front = await file.open({ redisUrl: group.url, durability: 'replica' });
    const campaign = await front.create();
    const other = await front.create();
    expect(await front.join(campaign, 'ann')).toMatchObject({ status: 202, body: { durability: 'replica' } });
    const gate = keys.gate(campaign);
    const replicas =
      'primaryOf' in group
        ? await group.replicasOf(await group.primaryOf(gate))
        : group.servers.filter((server) => server !== group.servers[0]);
    for (const replica of replicas) replica.freeze();

    const [bob, again] = await Promise.all([front.join(campaign, 'bob'), front.join(campaign, 'ann')]);
    expect([bob.status, again.status]).toEqual([503, 503]);
    expect(bob.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
    // It was admitted all the same: unknown is an outcome of its own.
    expect(await front.redis.hget(gate, 'seq')).toBe('2');
    // A refusal promises nothing that a replica could lose.
    await front.admin('POST', `/admin/campaigns/${other}/pause`);
    await until('the pause is told', 3_000, async () =>
      (await front.join(other, 'cem')).body.type.endsWith('campaign-paused'),
    );

    for (const replica of replicas) replica.thaw();
    const told = await until('an answer', 10_000, async () => {
      const answer = await front.join(campaign, 'bob');
      return answer.status === 503 ? undefined : answer;
    });
    expect([told.status, told.body.seq]).toEqual([200, 2]);
    expect(await front.redis.hget(gate, 'seq')).toBe('2');
  },
);

/** A primary with a replica that has its copy. */
async function startPair(servers: Awaited<ReturnType<typeof openServers>>): Promise<Server> {
  const primary = await servers.start({ masterauth: JSON.stringify(PASSWORD), 'repl-diskless-sync-delay': 0 });
  await servers.start({ masterauth: JSON.stringify(PASSWORD), replicaof: `127.0.0.1 ${primary.port}` });
  await until('a replica', 10_000, async () => /state=online/.test(await primary.client.info('replication')));
  return primary;
}

const urlOf = ({ port }: Server): string => `redis://:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}`;

/** The gate of a campaign at `url`, and a barrier beside it. */
async function gateAt(t: TestContext, url: string) {
  const redis = openFast({ url, name: 'test', onError: () => undefined, commandMs: limits.gateCallMs });
  const barrier = createReplicaBarrier(redis, () => undefined);
  t.onTestFinished(() => {
    barrier.close();
    redis.disconnect();
  });
  await untilReady(redis, 5_000);
  const campaign = campaignOf(uniqueName('barrier'));
  await createGate(redis).project(campaign, true);
  return { redis, barrier, campaign };
}

test('another server that would confirm is not asked in place of the one that answered', async (t) => {
  await using servers = await openServers();
  const [old, heir] = await Promise.all([startPair(servers), startPair(servers)]);
  // The two connections of a front end at different primaries, as when only one of them has heard of a failover.
  const proxy = await startTcpProxy(t, urlOf(old));
  const { barrier, campaign } = await gateAt(t, proxy.url);
  await heir.client.hset(keys.gate(campaign.id), 'state', 'active');
  proxy.turnTo(urlOf(heir));
  await expect(barrier.begin(campaign.id)()).rejects.toMatchObject({
    code: 'redis-unavailable',
    message: 'the confirmation came from another server than the answer',
  });
});

test('of a gate that is gone nothing is confirmed', async (t) => {
  await using servers = await openServers();
  const primary = await startPair(servers);
  const { barrier, campaign } = await gateAt(t, urlOf(primary));
  const confirm = barrier.begin(campaign.id);
  await primary.client.del(keys.gate(campaign.id));
  await expect(confirm()).rejects.toMatchObject({ code: 'redis-unavailable', message: 'the gate is missing' });
});

test('joins that come while a barrier is under way share the next one', async (t) => {
  await using servers = await openServers();
  const primary = await startPair(servers);
  const { barrier, campaign } = await gateAt(t, urlOf(primary));
  await barrier.begin(campaign.id)();
  const waits = async () => Number(/cmdstat_wait:calls=(\d+)/.exec(await primary.client.info('commandstats'))![1]);
  const before = await waits();
  await Promise.all(Array.from({ length: 200 }, () => barrier.begin(campaign.id)()));
  expect((await waits()) - before).toBeLessThanOrEqual(2);
});
