import { expect, test } from 'vitest';
import { createJoinTraces } from '../../src/telemetry/join-trace.ts';
import { traceparentOf } from '../../src/telemetry/spans.ts';
import { until } from '../helpers/until.ts';
import type { Answer } from './client.ts';
import { fronts, type TestFront, untilKnown } from './front.ts';
import { expectFields, parseMember } from './structured-fields.ts';

const file = fronts();
const front = file.shared();

const inMs = (ms: number) => new Date(Date.now() + ms).toISOString();
const act = (campaign: string, verb: string) => front().admin('POST', `/admin/campaigns/${campaign}/${verb}`);

function expectRetryAfter({ headers }: Answer, minSeconds: number, maxSeconds: number): void {
  expect(headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
  expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(minSeconds);
  expect(Number(headers.get('retry-after'))).toBeLessThanOrEqual(maxSeconds);
}

test('a join is admitted with a ticket, where to look for it and when', async () => {
  const campaign = await front().create();
  const answer = await front().join(campaign, 'ann');
  expect(answer.status).toBe(202);
  expect(answer.body).toMatchObject({ campaign, status: 'queued', seq: 1, ahead: 0, durability: 'disk' });
  const self = `/v1/tickets/${answer.body.ticket}`;
  expect(answer.body.links).toEqual({ self, campaign: `/v1/campaigns/${campaign}` });
  expect(answer.headers.get('location')).toBe(self);
  expectRetryAfter(answer, 1, 10);
  expect(answer.body.issuance).toBeUndefined();
});

test('joining again is a 200 with the same ticket', async () => {
  const campaign = await front().create();
  const first = await front().join(campaign, 'ann');
  for (let i = 0; i < 3; i += 1) {
    const again = await front().join(campaign, 'ann');
    expect([again.status, again.body.ticket]).toEqual([200, first.body.ticket]);
    expect(again.headers.get('location')).toBe(first.headers.get('location'));
  }
});

test('100 joins of one user at once over two fronts make one ticket and take one unit', async (t) => {
  const another = await file.start(t);
  const campaign = await front().create({ stock: 2 });
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, i) => (i % 2 === 0 ? front() : another).join(campaign, 'ann')),
  );
  expect(answers.filter(({ status }) => status === 202)).toHaveLength(1);
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(99);
  expect(new Set(answers.map(({ body }) => body.ticket)).size).toBe(1);
  expect((await front().join(campaign, 'bob')).body.seq).toBe(2);
});

test('a crowd over two fronts takes every unit and every seq once, and the rest hear that it is sold out', async (t) => {
  const another = await file.start(t);
  const campaign = await front().create({ stock: 250 });
  const answers = await Promise.all(
    Array.from({ length: 300 }, (_, i) => (i % 2 === 0 ? front() : another).join(campaign, `user-${i}`)),
  );
  const seqs = answers.filter(({ status }) => status === 202).map(({ body }) => body.seq as number);
  expect(seqs.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 250 }, (_, i) => i + 1));
  const refused = answers.filter(({ status }) => status !== 202);
  expect(new Set(refused.map(({ body }) => body.type))).toEqual(new Set(['urn:problem-type:sluice:sold-out']));
});

const gone = async (settings: Record<string, unknown>, verb?: string) => {
  const campaign = await front().create(settings);
  if (verb !== undefined) await act(campaign, verb);
  return campaign;
};
const REFUSALS: [string, number, string, () => Promise<string>][] = [
  ['paused', 503, 'urn:problem-type:sluice:campaign-paused', () => gone({}, 'pause')],
  ['closed', 410, 'urn:problem-type:sluice:campaign-ended', () => gone({}, 'close')],
  ['over', 410, 'urn:problem-type:sluice:campaign-ended', () => gone({ closesAt: inMs(-1_000) })],
  [
    'sold out',
    409,
    'urn:problem-type:sluice:sold-out',
    async () => {
      const campaign = await front().create({ stock: 1 });
      await front().admit(campaign, 1, 1);
      return campaign;
    },
  ],
  [
    'at the bound of its backlog',
    503,
    'https://iana.org/assignments/http-problem-types#temporary-reduced-capacity',
    async () => {
      const campaign = await front().create({ backlogMax: 2 });
      await front().admit(campaign, 1, 2);
      return campaign;
    },
  ],
  ['unknown', 404, 'urn:problem-type:sluice:unknown-campaign', async () => 'no-such-campaign'],
];
test.for(REFUSALS)('a campaign that is %s answers %i %s', async ([, status, type, bringAbout]) => {
  const campaign = await bringAbout();
  const answer = await front().join(campaign, 'a-stranger');
  expect(answer.status).toBe(status);
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  expect(answer.headers.get('cache-control')).toBe('no-store');
  expect(answer.body).toMatchObject({ type, status, title: expect.any(String) });
  if (status === 503) expectRetryAfter(answer, 1, 10);
  else expect(answer.headers.get('retry-after')).toBeNull();
});

test('a campaign that is not open yet says when it opens, and spreads the crowd after that', async () => {
  const opensAt = inMs(60_000);
  const campaign = await front().create({ opensAt });
  const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => front().join(campaign, `user-${i}`)));
  for (const answer of answers) {
    expect(answer.status).toBe(409);
    expect(answer.body).toMatchObject({ type: 'urn:problem-type:sluice:campaign-not-open', opensAt });
    expectRetryAfter(answer, Math.floor((Date.parse(opensAt) - Date.now()) / 1_000), 62);
  }
  expect(new Set(answers.map(({ headers }) => headers.get('retry-after'))).size).toBeGreaterThan(1);
});

test('a campaign opens by itself when its time has come', async () => {
  const opensAt = inMs(1_500);
  const campaign = await front().create({ opensAt });
  const answer = await until('it is open', async () => {
    const answer = await front().join(campaign, 'ann');
    return answer.status === 409 ? undefined : answer;
  });
  expect([answer.status, answer.body.seq]).toEqual([202, 1]);
  // Redis and the front read one clock here, and each rounds to a millisecond.
  expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(opensAt) - 1);
});

test('a join beyond the rate is a 429 whose fields say how much there is and when there is more', async () => {
  const campaign = await front().create({ ratePerSecond: 1, burst: 2 });
  await front().admit(campaign, 1, 2);
  // The first of these is refused by the gate, the others from memory.
  for (let i = 0; i < 3; i += 1) expectFields(await front().join(campaign, `late-${i}`), 'admission');
  const holder = await front().join(campaign, 'user-1');
  expect([holder.status, holder.body.seq]).toEqual([200, 1]);
});

test('a rate that is lifted in the meantime leaves no refusal and no senseless field behind', async () => {
  const campaign = await front().create({ ratePerSecond: 1, burst: 1 });
  await front().admit(campaign, 1, 1);
  expect((await front().join(campaign, 'late')).status).toBe(429);
  await front().admin('PATCH', `/admin/campaigns/${campaign}`, { ratePerSecond: 0 });
  await untilKnown(front(), campaign, ({ view }) => view.ratePerSecond === 0);
  expect((await front().join(campaign, 'late')).status).toBe(202);
});

test.for([
  [1, 1],
  [1, 60],
  [60, 1],
  [7, 100],
] as const)(
  'the policy of %i joins/s with a burst of %i is stated in whole tokens and seconds',
  async ([rate, burst]) => {
    const campaign = await front().create({ ratePerSecond: rate, burst, stock: 1_000 });
    let answer: Answer;
    let user = 0;
    do answer = await front().join(campaign, `user-${user++}`);
    while (answer.status === 202);
    const { parameters } = parseMember(answer.headers.get('ratelimit-policy')!);
    // A window of `w` seconds never admits more than what it is stated to.
    expect(parameters).toEqual({ q: Math.max(rate, burst), w: Math.ceil(burst / rate) });
  },
);

test.for([
  ['none', {}],
  ['an empty one', { 'x-user-id': '' }],
  ['one with a control character inside', { 'x-user-id': 'a\tb' }],
  ['one of 129 characters', { 'x-user-id': 'a'.repeat(129) }],
] as [string, Record<string, string>][])('a join with a user id that is %s is a 401', async ([, headers]) => {
  const campaign = await front().create();
  const answer = await front().ask(`/v1/campaigns/${campaign}/tickets`, { method: 'POST', headers });
  expect([answer.status, answer.body.type]).toEqual([401, 'urn:problem-type:sluice:unidentified']);
});

test('two campaigns know nothing of each other, also with names that join to the same text', async () => {
  const [a, b] = [await front().create(), await front().create()];
  const first = await front().join(a, `${b}:ann`);
  const second = await front().join(b, `${a}:ann`);
  expect([first.status, second.status, first.body.seq, second.body.seq]).toEqual([202, 202, 1, 1]);
  expect((await front().poll(first.body.ticket, { 'x-user-id': `${a}:ann` })).status).toBe(404);
});

test('what nobody can buy is told to everybody: phase, band, opening, without an exact count', async () => {
  const campaign = await front().create({ stock: 20, name: 'Spring sale' });
  const public_ = async (of: TestFront) => (await of.ask(`/v1/campaigns/${campaign}`)).body;
  expect(await public_(front())).toMatchObject({ id: campaign, name: 'Spring sale', phase: 'open', remaining: 'many' });
  await front().admit(campaign, 1, 16);
  expect(await public_(front())).toMatchObject({ phase: 'open', remaining: 'some', soldOut: false });
  await front().admit(campaign, 17, 19);
  expect(await public_(front())).toMatchObject({ phase: 'open', remaining: 'few' });
  await front().admit(campaign, 20, 20);
  expect(await public_(front())).toMatchObject({ phase: 'sold-out', remaining: 'none', soldOut: true });
  const { headers } = await front().ask(`/v1/campaigns/${campaign}`);
  expect(headers.get('cache-control')).toBe('public, max-age=1');
});

test('a trace nobody records costs no field in the entry', () => {
  expect(traceparentOf(createJoinTraces({ ratio: 0 }).begin(() => undefined, 0))).toBe('');
});
