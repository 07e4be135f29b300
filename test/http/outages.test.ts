import { expect, test } from 'vitest';
import { bucketOf, userTag } from '../../src/domain/ids.ts';
import { limits } from '../../src/process/limits.ts';
import { keys } from '../../src/redis/keys.ts';
import { testRedis } from '../helpers/redis.ts';
import { startTcpProxy } from '../helpers/tcp-proxy.ts';
import { until } from '../helpers/until.ts';
import type { Answer } from './client.ts';
import { fronts, type TestFront } from './front.ts';
import { ownRedis } from './own-redis.ts';

const file = fronts();

const CAPACITY = 'https://iana.org/assignments/http-problem-types#temporary-reduced-capacity';

function expectUnknown(answer: Answer): void {
  expect([answer.status, answer.body.type]).toEqual([503, CAPACITY]);
  expect(answer.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
}

interface Shot {
  user: string;
  answer: Answer;
}

/** Joins of ever new users, `width` at a time, while `goOn` says so; `shots` grows meanwhile. */
async function shoot(
  front: TestFront,
  campaign: string,
  width: number,
  goOn: () => boolean,
  shots: Shot[] = [],
): Promise<Shot[]> {
  let next = 0;
  const one = async () => {
    while (goOn()) {
      const user = `user-${next++}`;
      shots.push({ user, answer: await front.join(campaign, user) });
    }
  };
  await Promise.all(Array.from({ length: width }, one));
  return shots;
}

test('Redis killed under load: joins fail closed, it recovers by itself, nobody loses or gains a place', async (t) => {
  const redis = await ownRedis(t);
  const front = await file.start(t, { redisUrl: redis.url });
  const campaign = await front.create({ stock: 1_000_000 });
  let isOver = false;
  const shots: Shot[] = [];
  t.onTestFinished(() => {
    isOver = true;
  });
  const shooting = shoot(front, campaign, 8, () => !isOver, shots);
  shooting.catch(() => undefined);
  await until('a load', 5_000, () => shots.length > 200);
  redis.kill();
  await until('an outage', 3_000, () => shots.at(-1)!.answer.status === 503);
  expect((await front.ask('/readyz')).status).toBe(503);
  await until('a recovery', 10_000, () => shots.at(-1)!.answer.status === 202);
  isOver = true;
  await shooting;
  const refused = shots.filter(({ answer }) => answer.status !== 202);
  for (const { answer } of refused) expectUnknown(answer);
  expect(refused.length).toBeGreaterThan(0);

  // Everybody asks again: who was admitted has the same ticket, and the seqs have no gap.
  // A front that is asked by all of them at once may send some away, as it would any crowd.
  const again = await Promise.all(
    shots.map(({ user }) =>
      until('an answer to a join', async () => {
        const answer = await front.join(campaign, user);
        return answer.status !== 503 && answer;
      }),
    ),
  );
  for (const [i, { answer }] of shots.entries()) {
    expect([200, 202]).toContain(again[i]!.status);
    if (answer.status === 202) expect(again[i]!.body.ticket).toBe(answer.body.ticket);
  }
  const seqs = again.map(({ body }) => body.seq as number);
  expect(seqs.toSorted((a, b) => a - b)).toEqual(Array.from({ length: shots.length }, (_, i) => i + 1));
});

test('a Redis that is out of reach for long makes every join a 503 without a question, with a believable Retry-After', async (t) => {
  const proxy = await startTcpProxy(t, (await ownRedis(t)).url);
  const front = await file.start(t, { redisUrl: proxy.url });
  const campaign = await front.create();
  const [ticket] = await front.admit(campaign, 1, 1);
  proxy.set('reset');
  await until('nothing is sent to Redis any more', async () => {
    const before = front.questionCount();
    return (await front.join(campaign, 'probe')).status === 503 && front.questionCount() === before;
  });
  const before = front.questionCount();
  const shots: Shot[] = [];
  await shoot(front, campaign, 4, () => shots.length < 200, shots);
  for (const { answer } of shots) expectUnknown(answer);
  expect(front.questionCount() - before).toBe(0);
  expect(new Set(shots.map(({ answer }) => answer.headers.get('retry-after'))).size).toBeGreaterThan(1);
  expect((await front.poll(ticket!)).status).toBe(200);
  proxy.set('pass');
  await until('a recovery', 5_000, async () => (await front.join(campaign, 'user-1')).body.ticket === ticket);
});

test('a join whose reply is lost is unknown, and asking again gives its ticket and no second unit', async (t) => {
  const redis = await ownRedis(t);
  const proxy = await startTcpProxy(t, redis.url);
  const front = await file.start(t, { redisUrl: proxy.url });
  const campaign = await front.create({ stock: 2 });
  await front.admit(campaign, 1, 1);
  proxy.set('drop-replies');
  expectUnknown(await front.join(campaign, 'ann'));
  expect(proxy.droppedBytes()).toBeGreaterThan(0);
  const gate = testRedis(t, redis.url);
  expect(await gate.hmget(keys.gate(campaign), 'seq', 'next_unit')).toEqual(['2', '2']);
  proxy.set('pass');
  const again = await until('an answer', 5_000, async () => {
    const answer = await front.join(campaign, 'ann');
    return answer.status === 503 ? undefined : answer;
  });
  expect([again.status, again.body.seq]).toEqual([200, 2]);
  expect(await gate.hmget(keys.gate(campaign), 'seq', 'next_unit')).toEqual(['2', '2']);
});

test.for(['SIGSTOP', 'CLIENT PAUSE', 'a network that holds'] as const)(
  'a join that Redis sees after its deadline (%s) admits nobody',
  async (how, t) => {
    const redis = await ownRedis(t);
    const proxy = await startTcpProxy(t, redis.url);
    const front = await file.start(t, { redisUrl: proxy.url });
    const campaign = await front.create();
    await front.admit(campaign, 1, 1);
    const gate = testRedis(t, redis.url);
    const callCount = async () => Number(/cmdstat_evalsha:calls=(\d+)/.exec(await gate.info('commandstats'))![1]);
    const before = await callCount();
    if (how === 'SIGSTOP') redis.stop();
    else if (how === 'CLIENT PAUSE') await gate.client('PAUSE', limits.gateCallMs + 500, 'ALL');
    else proxy.set('hold');

    expectUnknown(await front.join(campaign, 'ghost'));
    const gaveUpAt = Date.now();
    await until('the deadline is well over', 1_000, () => Date.now() - gaveUpAt > 200);
    if (how === 'SIGSTOP') redis.goOn();
    proxy.set('pass');
    await until('Redis has run the late call', 3_000, async () => (await callCount()) > before);
    expect(await gate.hget(keys.gate(campaign), 'seq')).toBe('1');
    const again = await until('an answer', 5_000, async () => {
      const answer = await front.join(campaign, 'ghost');
      return answer.status === 503 ? undefined : answer;
    });
    expect([again.status, again.body.seq]).toEqual([202, 2]);
  },
);

test('a gate that is gone is no empty one: joins and polls wait for it, and nothing is sold again', async (t) => {
  const front = await file.start(t);
  const campaign = await front.create({ stock: 1, shards: 1 });
  const [ticket] = await front.admit(campaign, 1, 1);
  const saved = await front.redis.dumpBuffer(keys.gate(campaign));
  await front.redis.del(keys.gate(campaign));
  const seen = new Set<number>();
  await until('the front has noticed', 5_000, async () => {
    const { status } = await front.join(campaign, 'a-second-buyer');
    seen.add(status);
    return status === 503;
  });
  // Sold out as long as the front's memory is fresh, then nobody knows.
  expect([...seen].filter((status) => status !== 409 && status !== 503)).toEqual([]);
  // A ticket that was waiting is told so from memory, without a guess when.
  expect((await front.poll(ticket!)).body).toMatchObject({ status: 'queued', eta: { known: false } });
  await front.redis.restore(keys.gate(campaign), 0, saved!);
  await until('the gate is known again', 3_000, async () => (await front.poll(ticket!)).status === 200);
  expect((await front.join(campaign, 'a-second-buyer')).status).toBe(409);
});

test('a ticket whose place Redis lost is restored when its holder presents it', async (t) => {
  const front = await file.start(t);
  const campaign = await front.create({ shards: 1 });
  const [ticket] = await front.admit(campaign, 1, 1);
  const { buckets } = (await front.campaigns.get(campaign))!.view;
  await front.redis.del(keys.users(campaign, bucketOf(userTag(campaign, 'user-1'), buckets)), keys.work(campaign, 0));
  await front.redis.hset(keys.gate(campaign), 'seq', 0, 'next_unit', 0);
  await until('the loss is known', 3_000, async () => (await front.poll(ticket!)).status === 401);
  await until('the place is restored', 3_000, async () => {
    const { status } = await front.poll(ticket!, { 'x-user-id': 'user-1' });
    return status === 200 && (await front.redis.hget(keys.gate(campaign), 'seq')) === '1';
  });
});
