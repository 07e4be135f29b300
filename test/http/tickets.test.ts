import { expect, type TestContext, test } from 'vitest';
import { isComplete } from '../../src/admission/campaign-memory.ts';
import type { TicketKeys } from '../../src/domain/ticket.ts';
import { until } from '../helpers/until.ts';
import type { Answer } from './client.ts';
import { fronts, newKey, type TestFront, untilKnown } from './front.ts';
import { issue } from './issue.ts';
import { ownRedis } from './own-redis.ts';
import { expectFields } from './structured-fields.ts';

const file = fronts();
/** Another deployment: it has a database of its own. */
const elsewhere = fronts();

const ring = (current: number, keys: Record<number, Buffer>): TicketKeys => ({
  current,
  keys: new Map(Object.entries(keys).map(([id, key]) => [Number(id), key])),
});

const headersOf = ({ headers }: Answer) => Object.fromEntries([...headers].filter(([name]) => name !== 'date'));

test('forged, truncated, foreign, disowned and unknown tickets get one and the same 404', async (t) => {
  const [old, other] = [newKey(), newKey()];
  const issuer = await file.start(t, { ticketKeys: ring(1, { 1: old }) });
  const front = await file.start(t, { ticketKeys: ring(2, { 2: newKey() }) });
  const elsewhere = await file.start(t, { ticketKeys: ring(2, { 2: other }) });
  const campaign = await front.create();
  const [own, disowned, foreign] = await Promise.all(
    [front, issuer, elsewhere].map(async (from, i) => (await from.join(campaign, `user-${i}`)).body.ticket),
  );
  expect((await front.poll(own!, { 'x-user-id': 'user-0' })).status).toBe(200);
  const refused = await Promise.all([
    front.poll(`${own!.slice(0, -1)}${own!.endsWith('A') ? 'Q' : 'A'}`),
    front.poll(own!.slice(0, -1)),
    front.poll(own!.slice(0, 30)),
    front.poll('x'),
    front.poll('x'.repeat(10_000)),
    front.poll(own!, { 'x-user-id': 'user-1' }),
    front.poll(own!, { 'x-user-id': '' }),
    front.poll(own!, { 'x-user-id': 'user-1', accept: 'text/event-stream' }),
    front.poll(own!, { 'x-user-id': 'user-1', prefer: 'wait=5' }),
    front.poll(disowned!),
    front.poll(foreign!),
  ]);
  for (const answer of refused) {
    expect(answer.status).toBe(404);
    expect(answer.text).toBe(refused[0]!.text);
    expect(headersOf(answer)).toEqual(headersOf(refused[0]!));
  }
});

test('a ticket of another deployment that has its keys but not its campaigns is a 404 as well', async (t) => {
  const keys = ring(1, { 1: newKey() });
  const there = await file.start(t, { ticketKeys: keys });
  const here = await elsewhere.start(t, { ticketKeys: keys, redisUrl: (await ownRedis(t)).url });
  const { ticket } = (await there.join(await there.create(), 'ann')).body;
  const answer = await here.poll(ticket);
  expect([answer.status, answer.text]).toEqual([404, (await here.poll('x')).text]);
});

test('a rotation of keys changes no ticket: asking again gives the same text, before the time of the new key and after', async (t) => {
  const [older, newer] = [newKey(), newKey()];
  const rotating = (fromMs: number) => ({ ...ring(1, { 1: older, 2: newer }), successors: [{ id: 2, fromMs }] });
  const before = await file.start(t, { ticketKeys: ring(1, { 1: older }) });
  const campaign = await before.create();
  const { ticket } = (await before.join(campaign, 'ann')).body;
  const inAnHour = Date.now() + 3_600_000;
  const [one, two] = [rotating(inAnHour), rotating(inAnHour)];
  const fronts = [await file.start(t, { ticketKeys: one }), await file.start(t, { ticketKeys: two })];
  const joinBoth = async (user: string) => {
    const answers = await Promise.all(fronts.map((front) => front.join(campaign, user)));
    expect(new Set(answers.map(({ body }) => body.ticket)).size).toBe(1);
    return answers[0]!.body.ticket;
  };
  const keyIdOf = (text: string) => Buffer.from(text, 'base64url')[1];
  expect(await joinBoth('ann')).toBe(ticket);
  // Its time comes: only now, so that the joins above were before it on any machine.
  for (const { successors } of [one, two]) successors[0]!.fromMs = Date.now();
  await until('the new key signs', async () => keyIdOf(await joinBoth(`user-${performance.now()}`)) === 2);
  expect(await joinBoth('ann')).toBe(ticket);
  expect(keyIdOf(ticket)).toBe(1);
  for (const front of fronts) expect((await front.poll(ticket)).body).toMatchObject({ ticket, seq: 1 });
  const late = await joinBoth('a-late-user');
  // A front that has not heard of the new key takes none of its tickets; one that has lost the old key none of those.
  expect((await before.poll(late)).status).toBe(404);
  const alone = await file.start(t, { ticketKeys: ring(2, { 2: newer }) });
  expect([(await alone.poll(late)).status, (await alone.poll(ticket)).status]).toEqual([200, 404]);
});

test('polling a ticket that waits asks Redis nothing', async (t) => {
  const front = await file.start(t);
  const campaign = await front.create();
  const tickets = await front.admit(campaign, 1, 5);
  const before = front.questionCount();
  for (let round = 0; round < 20; round += 1) {
    const answers = await Promise.all(tickets.map((ticket) => front.poll(ticket)));
    expect(answers.map(({ body }) => [body.status, body.ahead])).toEqual(tickets.map((_, i) => ['queued', i]));
  }
  expect(front.questionCount() - before).toBe(0);
});

test.for(['stopped', 'killed'] as const)('polling a ticket that waits works while Redis is %s', async (how, t) => {
  const redis = await ownRedis(t);
  const front = await file.start(t, { redisUrl: redis.url });
  const campaign = await front.create();
  const [ticket] = await front.admit(campaign, 1, 1);
  redis[how === 'stopped' ? 'stop' : 'kill']();
  const before = front.questionCount();
  const poll = async () => {
    const { status, body } = await front.poll(ticket!);
    expect([status, body.status]).toEqual([200, 'queued']);
    return body.eta as { known: boolean };
  };
  for (let i = 0; i < 20; i += 1) await poll();
  // A waiting ticket's hint says when the outage is known: then the drain rate is not.
  if (how === 'stopped') {
    const eta = await until('the drain rate is not known', async () => {
      const told = await poll();
      return told.known ? undefined : told;
    });
    expect(eta).toEqual({ known: false, p50Ms: null, p90Ms: null });
  }
  expect(front.questionCount() - before).toBe(0);
});

const STATES: [string, number, string, (front: TestFront, campaign: string) => Promise<unknown>][] = [
  ['sold out', 409, 'urn:problem-type:sluice:sold-out', (front, campaign) => front.admit(campaign, 2, 3)],
  ['paused', 503, 'urn:problem-type:sluice:campaign-paused', (front, campaign) => act(front, campaign, 'pause')],
  [
    'not open',
    409,
    'urn:problem-type:sluice:campaign-not-open',
    (front, campaign) =>
      front.admin('PATCH', `/admin/campaigns/${campaign}`, { opensAt: new Date(Date.now() + 3_600_000).toISOString() }),
  ],
  ['ended', 410, 'urn:problem-type:sluice:campaign-ended', (front, campaign) => act(front, campaign, 'close')],
];
const act = (front: TestFront, campaign: string, verb: string) =>
  front.admin('POST', `/admin/campaigns/${campaign}/${verb}`);

test.for(STATES)('a campaign that is %s refuses strangers from memory and knows its holder', async (state, t) => {
  const [, status, type, bringAbout] = state;
  const [front, another] = [await file.start(t), await file.start(t)];
  const campaign = await front.create({ stock: 3 });
  const [ticket] = await front.admit(campaign, 1, 1);
  await bringAbout(front, campaign);
  // Also a front that admitted nobody must learn who holds a ticket before it refuses by itself.
  for (const asked of [front, another]) {
    await until('the refusal', 3_000, async () => (await asked.join(campaign, 'a-stranger')).status === status);
    await untilKnown(asked, campaign, isComplete);
    const before = asked.questionCount();
    for (let i = 0; i < 20; i += 1) {
      const refusal = await asked.join(campaign, `stranger-${i}`);
      expect([refusal.status, refusal.body.type]).toEqual([status, type]);
    }
    expect(asked.questionCount() - before).toBe(0);
    const holder = await asked.join(campaign, 'user-1');
    expect([holder.status, holder.body.ticket]).toEqual([200, ticket]);
    expect((await asked.poll(ticket!)).body.status).toBe('queued');
  }
});

test('the outcome of a settled ticket is asked for once', async (t) => {
  const front = await file.start(t);
  const campaign = await front.create();
  const [ticket] = await front.admit(campaign, 1, 1);
  await issue(t, front, file.ledger(), campaign);
  await untilKnown(front, campaign, ({ view }) => view.settledCount === 1);
  const before = front.questionCount();
  const issued = await front.poll(ticket!);
  expect(issued.body).toMatchObject({ status: 'issued', ahead: 0, pollAfterMs: 0, issuance: { unit: 1 } });
  const after = front.questionCount();
  expect(after - before).toBeGreaterThan(0);
  for (let i = 0; i < 10; i += 1) expect((await front.poll(ticket!)).text).toBe(issued.text);
  expect(await front.join(campaign, 'user-1')).toMatchObject({ status: 200, body: { status: 'issued', ticket } });
});

test('the code told to the holder is the one in the ledger', async (t) => {
  const front = await file.start(t);
  const campaign = await front.create();
  const tickets = await front.admit(campaign, 1, 20);
  await issue(t, front, file.ledger(), campaign);
  await untilKnown(front, campaign, ({ view }) => view.settledCount === 20);
  const told = await Promise.all(tickets.map(async (ticket) => (await front.poll(ticket)).body.issuance));
  const rows = await file.database.sql('SELECT unit, code FROM issuances WHERE campaign = ? ORDER BY seq', [campaign]);
  expect(told).toEqual(rows.map(({ unit, code }) => ({ code, unit })));
});

test('a ticket that is polled too often gets a 429 that its neighbour does not', async (t) => {
  const front = await file.start(t, { pollsPerSecond: 3 });
  const [ticket, neighbour] = await front.admit(await front.create(), 1, 2);
  const answers = await Promise.all(Array.from({ length: 12 }, () => front.poll(ticket!)));
  const refused = answers.filter(({ status }) => status === 429);
  // A second may end among them, and then three more are free.
  expect(refused.length).toBeGreaterThanOrEqual(6);
  expect(answers.length - refused.length).toBeGreaterThanOrEqual(3);
  expectFields(refused[0]!, 'polls-per-ticket');
  expect((await front.poll(neighbour!)).status).toBe(200);
  await until('the next second', 3_000, async () => (await front.poll(ticket!)).status === 200);
});

test('a poll is never kept by a cache, and HEAD tells the same without a body', async (t: TestContext) => {
  const front = await file.start(t);
  const [ticket] = await front.admit(await front.create(), 1, 1);
  const polled = await front.poll(ticket!);
  expect(polled.headers.get('cache-control')).toBe('no-store');
  const head = await front.ask(`/v1/tickets/${ticket}`, { method: 'HEAD' });
  expect([head.status, head.text, head.headers.get('content-type')]).toEqual([200, '', 'application/json']);
  const [missing, headOfMissing] = [
    await front.ask('/v1/campaigns/nil'),
    await front.ask('/v1/campaigns/nil', { method: 'HEAD' }),
  ];
  const { status, headers } = missing;
  expect([headOfMissing.status, headOfMissing.text]).toEqual([status, '']);
  expect(headOfMissing.headers.get('content-length')).toBe(headers.get('content-length'));
  expect(headers.get('content-length')).toBe(String(Buffer.byteLength(missing.text)));
});
