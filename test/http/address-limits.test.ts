import { expect, test } from 'vitest';
import { limits } from '../../src/process/limits.ts';
import { uniqueName } from '../helpers/services.ts';
import { startTcpProxy } from '../helpers/tcp-proxy.ts';
import { until } from '../helpers/until.ts';
import type { Answer } from './client.ts';
import { fronts, type TestFront } from './front.ts';
import { ownRedis } from './own-redis.ts';
import { expectFields } from './structured-fields.ts';

const file = fronts();
const SETTINGS = { joinsPerAddressPerSecond: 2, trustedProxies: ['127.0.0.1'] };
const QUOTA = SETTINGS.joinsPerAddressPerSecond * limits.clientWindowSeconds;

let serial = 0;
/** A household of this test run: addresses are counted in the Redis that all tests share. */
const household = () => {
  serial += 1;
  return `2600:${process.pid.toString(16).slice(-4)}:${(Date.now() & 0xffff).toString(16)}:${serial.toString(16)}`;
};

/** Joins of ever new users from `address`, one after the other. */
async function joinsFrom(
  front: TestFront,
  campaign: string,
  count: number,
  address: (i: number) => string,
): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let i = 0; i < count; i += 1) {
    answers.push(await front.join(campaign, uniqueName('user'), { 'x-forwarded-for': address(i) }));
  }
  return answers;
}

const statuses = (answers: Answer[], status: number): number => answers.filter((one) => one.status === status).length;

test('many users of one address are refused beyond its quota by its own policy; another address does not notice', async (t) => {
  const front = await file.start(t, SETTINGS);
  const campaign = await front.create({ stock: 1_000 });
  const home = household();
  const answers = await joinsFrom(front, campaign, QUOTA + 5, () => `${home}::1`);
  expect([statuses(answers, 202), statuses(answers, 429)]).toEqual([QUOTA, 5]);
  expectFields(answers.at(-1)!, 'joins-per-address');
  expect(answers.at(-1)!.headers.get('ratelimit-policy')).toBe(`"joins-per-address";q=${QUOTA};w=10`);
  expect(statuses(await joinsFrom(front, campaign, 1, () => `${household()}::1`), 202)).toBe(1);
});

test('a household that changes the second half of its IPv6 address stays the same household', async (t) => {
  const front = await file.start(t, SETTINGS);
  const campaign = await front.create({ stock: 1_000 });
  const home = household();
  const answers = await joinsFrom(front, campaign, QUOTA + 5, (i) => `${home}:${i.toString(16)}::${i}`);
  expect(statuses(answers, 429)).toBe(5);
});

test('whatever a client writes into X-Forwarded-For itself, it stays the same client', async (t) => {
  const front = await file.start(t, SETTINGS);
  const campaign = await front.create({ stock: 1_000 });
  const home = household();
  const madeUp = () => `${household()}::1, 127.0.0.1, ${home}::1`;
  expect(statuses(await joinsFrom(front, campaign, QUOTA + 5, madeUp), 429)).toBe(5);
});

test('an address that spreads over two fronts gets only the unquestioned half a second time', async (t) => {
  const [a, b] = [await file.start(t, SETTINGS), await file.start(t, SETTINGS)];
  const campaign = await a.create({ stock: 1_000 });
  const home = household();
  const from = () => `${home}::1`;
  expect(statuses(await joinsFrom(a, campaign, QUOTA + 2, from), 429)).toBe(2);
  expect(statuses(await joinsFrom(b, campaign, QUOTA / 2 + 5, from), 429)).toBe(5);
});

test('whoever guesses at identities is counted before anybody looks at them', async (t) => {
  const front = await file.start(t, {
    ...SETTINGS,
    identity: { kind: 'gateway', secrets: ['the secret of a gateway'] },
  });
  const campaign = await front.create();
  const headers = { 'x-user-id': 'ann', 'x-gateway-secret': 'a guess', 'x-forwarded-for': `${household()}::1` };
  const answers: Answer[] = [];
  for (let i = 0; i < QUOTA + 5; i += 1) {
    answers.push(await front.ask(`/v1/campaigns/${campaign}/tickets`, { method: 'POST', headers }));
  }
  expect([statuses(answers, 401), statuses(answers, 429)]).toEqual([QUOTA, 5]);
});

test.for<[string, object]>([
  ['of a private network that no proxy was named for', { ...SETTINGS, trustedProxies: [] }],
  ['when the limit is switched off', { ...SETTINGS, joinsPerAddressPerSecond: 0 }],
])('nobody is counted %s', async ([, settings], t) => {
  const front = await file.start(t, settings);
  const campaign = await front.create({ stock: 1_000 });
  const home = household();
  expect(statuses(await joinsFrom(front, campaign, QUOTA * 2, () => `${home}::1`), 202)).toBe(QUOTA * 2);
});

test('an honest crowd costs the store no count', async (t) => {
  const front = await file.start(t, SETTINGS);
  const campaign = await front.create({ stock: 1 });
  await joinsFrom(front, campaign, 1, () => `${household()}::1`);
  await until('sold out is remembered', 2_000, async () => {
    const before = front.questionCount();
    await joinsFrom(front, campaign, 3, () => `${household()}::1`);
    return front.questionCount() === before;
  });
  const before = front.questionCount();
  const [home, other] = [household(), household()];
  await joinsFrom(front, campaign, QUOTA, (i) => `${i % 2 === 0 ? home : other}::1`);
  expect(front.questionCount()).toBe(before);
});

test('while Redis is away the count of addresses goes on in process', async (t) => {
  const proxy = await startTcpProxy(t, (await ownRedis(t)).url);
  const front = await file.start(t, { ...SETTINGS, redisUrl: proxy.url });
  const campaign = await front.create();
  const home = household();
  await joinsFrom(front, campaign, 1, () => `${household()}::1`);
  proxy.set('reset');
  await until('the outage is noticed', 2_000, async () => (await front.ask('/readyz')).status === 503);
  const answers = await joinsFrom(front, campaign, QUOTA + 5, () => `${home}::1`);
  expect([statuses(answers, 503), statuses(answers, 429)]).toEqual([QUOTA, 5]);
});
