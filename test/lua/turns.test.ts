// The line of a lane: it lists exactly the campaigns with tickets that nobody has settled, whatever is done to a gate.
import { expect, type TestContext, test } from 'vitest';
import { createGate } from '../../src/gate/redis/gate.ts';
import { createGateBuilder } from '../../src/gate/redis/gate-builder.ts';
import { createReturns } from '../../src/gate/redis/returns.ts';
import { createSettlement } from '../../src/gate/redis/settlement.ts';
import { ensureGroups } from '../../src/gate/redis/work-groups.ts';
import { GROUP, keys } from '../../src/redis/keys.ts';
import { campaignOf, testRedis } from '../helpers/redis.ts';
import { startRedis, uniqueName } from '../helpers/services.ts';
import { until } from '../helpers/until.ts';
import { joinOf } from './sold.ts';

async function open(t: TestContext, url?: string) {
  const redis = testRedis(t, url);
  const gate = createGate(redis);
  const campaign = campaignOf(uniqueName('turns'), { shards: 2 });
  const { id } = campaign;
  await gate.project(campaign, true);
  await ensureGroups(redis, id, 2);
  const place = async () => redis.zscore(keys.turns(id), id);
  return {
    redis,
    gate,
    campaign,
    id,
    place,
    isInLine: async () => (await place()) !== null,
    admit: (...users: string[]) =>
      gate.admit(
        campaign,
        users.map((user) => joinOf(id, user)),
        0,
      ),
    /** A worker receives all entries of a shard and settles them. */
    async settle(shard: number) {
      const reply = await redis.xreadgroup('GROUP', GROUP, 'worker', 'STREAMS', keys.work(id, shard), '>');
      const [[, entries]] = reply as unknown as [[string, [string][]]];
      const seqs = entries.map(([entry]) => ({ seq: Number(entry.split('-')[0]) }));
      return createSettlement(redis).settle({ campaign: id, epoch: campaign.epoch, shard, entries: seqs }, []);
    },
  };
}

/** With a Redis of its own, where the line is hurt: campaigns of other tests stand in it as well. */
const openAlone = async (t: TestContext) => open(t, (await startRedis(t)).url);

test('a campaign stands in line from its first waiting ticket until the last one is settled', async (t) => {
  const sale = await open(t);
  expect(await sale.isInLine()).toBe(false);
  await sale.admit('a', 'b');
  const first = await sale.place();
  expect(first).not.toBeNull();
  await sale.settle(1);
  expect(await sale.isInLine()).toBe(true);
  await sale.admit('c', 'd');
  expect(await sale.place()).toBe(first);
  await sale.settle(0);
  await sale.settle(1);
  expect(await sale.isInLine()).toBe(false);
});

test('who gives the last waiting ticket back takes the campaign out of the line', async (t) => {
  const sale = await open(t);
  await sale.admit('a', 'b');
  const cancel = (user: string) => createReturns(sale.redis).cancel(sale.campaign, joinOf(sale.id, user).tag);
  expect(await cancel('a')).toMatchObject({ state: 'cancelled' });
  expect(await sale.isInLine()).toBe(true);
  expect(await cancel('b')).toMatchObject({ state: 'cancelled' });
  expect(await sale.isInLine()).toBe(false);
});

test('a ticket that is restored to a gate which had lost it puts the campaign in line', async (t) => {
  const sale = await open(t);
  const { tag } = joinOf(sale.id, 'a');
  const ticket = { campaign: sale.id, tag, admittedAt: 1, epoch: 1, seq: 9, unit: 3 };
  await sale.gate.readmit(sale.campaign, 'a', ticket as never, '');
  expect(await sale.isInLine()).toBe(true);
});

test('a rebuild takes it out while the gate is shut, and puts it in line for what survived', async (t) => {
  const sale = await open(t);
  await sale.admit('a', 'b', 'c');
  const gates = createGateBuilder(sale.redis, 0);
  await using lease = (await gates.lease(sale.id, 'builder'))!;
  const build = { epoch: 2, builder: lease.token };
  await gates.begin(sale.campaign, build, []);
  expect(await sale.isInLine()).toBe(false);
  const counts = { seq: 3, nextUnit: 3, retryingCount: 0, cancelledCount: 0 };
  await gates.finish({ ...sale.campaign, epoch: 2 }, build, counts, [], 0);
  expect(await sale.isInLine()).toBe(true);
});

test('a gate that is opened as it was found brings its line back', async (t) => {
  const sale = await openAlone(t);
  await sale.admit('a');
  await sale.redis.del(keys.turns(sale.id));
  const gates = createGateBuilder(sale.redis, 0);
  const { server } = await gates.stateOn(sale.campaign);
  await gates.promote(sale.campaign, 2, server);
  expect(await sale.isInLine()).toBe(true);
});

test('a line of another type is begun again, and no join is refused for it', async (t) => {
  const sale = await openAlone(t);
  await sale.redis.set(keys.turns(sale.id), 'an intruder was here');
  expect((await sale.admit('a')).decisions[0]!.kind).toBe('admitted');
  expect(await sale.isInLine()).toBe(true);
  await sale.redis.set(keys.turns(sale.id), 'and came again');
  expect(await sale.settle(1)).toBe(1);
});

test('an arrival is announced when there was nothing to settle, and only then', async (t) => {
  const sale = await open(t);
  const heard: string[] = [];
  const listener = testRedis(t);
  listener.on('message', (_channel: string, campaign: string) => void heard.push(campaign));
  await listener.subscribe(keys.arrivals);
  const own = () => heard.filter((campaign) => campaign === sale.id).length;
  await sale.admit('a');
  await sale.admit('b');
  await sale.settle(0);
  await sale.settle(1);
  await sale.admit('c');
  await until('both arrivals', () => own() >= 2);
  expect(own()).toBe(2);
});

test('a place that nobody can stand behind keeps nobody out of the line', async (t) => {
  const sale = await openAlone(t);
  // Nothing is greater: the sweep takes it away.
  await sale.redis.zadd(keys.turns(sale.id), '+inf', 'an-intruder');
  await sale.admit('a');
  expect(await sale.isInLine()).toBe(true);
});
