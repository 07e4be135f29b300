// Users whose ids are not ASCII, from the header to the row and back.
import { expect, type TestContext, test } from 'vitest';
import { couponCode } from '../../src/domain/coupon.ts';
import { userTag } from '../../src/domain/ids.ts';
import { startRedis } from '../helpers/services.ts';
import { COUPON_KEY, fronts, type TestFront } from './front.ts';
import { issue } from './issue.ts';

const file = fronts();
const front = file.shared();
/** A header as bytes of UTF-8: fetch sends one for each character. */
const bytes = (text: string) => Buffer.from(text).toString('latin1');
const PATIENT = { timeout: 60_000 };
const statusOf = async (of: TestFront, ticket: string, user: string) =>
  (await of.poll(ticket, { 'x-user-id': bytes(user) })).body.status;

const USERS = ['jürgen', 'ju\u0308rgen', 'JÜRGEN', '홍길동', 'Анна Каренина', '🛒', '가'.repeat(42)];

test('users with other than ASCII ids could not join: each is a user, alike or not', async (t: TestContext) => {
  const campaign = await front().create();
  const tickets = new Map<string, string>();
  for (const user of USERS) {
    const joined = await front().join(campaign, bytes(user));
    expect([user, joined.status]).toEqual([user, 202]);
    const again = await front().join(campaign, bytes(user));
    expect([again.status, again.body.ticket]).toEqual([200, joined.body.ticket]);
    tickets.set(joined.body.ticket, user);
  }
  expect(tickets.size).toBe(USERS.length);
  await issue(t, front(), file.ledger(), campaign);
  for (const [ticket, user] of tickets) {
    await expect.poll(() => statusOf(front(), ticket, user), PATIENT).toBe('issued');
    const { body } = await front().poll(ticket, { 'x-user-id': bytes(user) });
    const { code, unit } = body.issuance as { code: string; unit: number };
    expect(code).toBe(couponCode(COUPON_KEY, campaign, unit, userTag(campaign, user)));
    expect((await front().poll(ticket, { 'x-user-id': 'somebody-else' })).status).toBe(404);
  }
  const rows = await file.database.sql('SELECT user FROM issuances WHERE campaign = ? ORDER BY seq', [campaign]);
  expect(rows.map(({ user }) => user)).toEqual(USERS);
});

test('an id that is too long, or no UTF-8, is refused with the rule', async () => {
  const campaign = await front().create();
  for (const user of [bytes('가'.repeat(43)), 'j\xfcrgen', '\xc3\x28', bytes('a\u2028b')]) {
    const { status, body } = await front().join(campaign, user);
    expect(status).toBe(401);
    expect(body.detail).toBe(
      'X-User-Id must be 1 to 128 bytes of UTF-8 without control characters and without white space at either end.',
    );
  }
});

test('an issued ticket of such a user is given back, under the name of its user', async (t) => {
  const user = '홍길동';
  const campaign = await front().create();
  const { ticket } = (await front().join(campaign, bytes(user))).body;
  await issue(t, front(), file.ledger(), campaign);
  await expect.poll(() => statusOf(front(), ticket, user), PATIENT).toBe('issued');
  await expect
    .poll(async () => (await front().giveBack(ticket, { 'x-user-id': bytes(user) })).status, PATIENT)
    .toBe(200);
  const rows = await file.database.sql('SELECT user FROM cancellations WHERE campaign = ?', [campaign]);
  expect(rows).toEqual([{ user }]);
  expect((await front().join(campaign, bytes(user))).body).toMatchObject({ ticket, status: 'cancelled' });
});

test('an operator whose name is not ASCII stands in the audit log', async () => {
  const campaign = await front().create();
  await front().admin('POST', `/admin/campaigns/${campaign}/pause`, undefined, { 'x-actor': bytes('김 운영자') });
  const rows = await file.database.sql("SELECT actor FROM audit_log WHERE campaign = ? AND action <> 'create'", [
    campaign,
  ]);
  expect(rows).toEqual([{ actor: 'operator:김 운영자' }]);
});

test('such a user gets a lost place back', PATIENT, async (t) => {
  const { url } = await startRedis(t);
  const own = await file.start(t, { redisUrl: url });
  const campaign = await own.create();
  const { ticket } = (await own.join(campaign, bytes('jürgen'))).body;
  await own.redis.flushall();
  const polled = () => own.poll(ticket, { 'x-user-id': bytes('jürgen') });
  await expect.poll(async () => (await own.join(campaign, bytes('홍길동'))).status, PATIENT).toBe(202);
  await expect.poll(async () => (await polled()).status, PATIENT).toBe(200);
  expect((await polled()).body).toMatchObject({ ticket, status: 'queued' });
  expect((await own.join(campaign, bytes('jürgen'))).body.ticket).toBe(ticket);
});
