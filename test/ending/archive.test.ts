// A campaign that is over leaves Redis, and its tickets are told as before.
import { expect, test } from 'vitest';
import { couponCode } from '../../src/domain/coupon.ts';
import { isFault } from '../../src/domain/fault.ts';
import { userTag } from '../../src/domain/ids.ts';
import { getCampaign } from '../../src/ledger/campaigns.ts';
import { keepDeadLetter } from '../../src/ledger/dead-letters.ts';
import { keys } from '../../src/redis/keys.ts';
import { until } from '../helpers/until.ts';
import { COUPON_KEY, fronts, newKey } from '../http/front.ts';
import { drain, endedSale, keysOf, openEnding } from './ended-sale.ts';

const file = fronts();
const KEYS = { current: 1, keys: new Map([[1, newKey()]]) };

test('tickets of an archived campaign are told as before, by a front that knew it and by one that did not', async (t) => {
  const front = await file.start(t, { ticketKeys: KEYS });
  const sale = await endedSale(front, file.ledger(), {
    count: 4,
    spoil: async ({ tickets }) => {
      expect((await front.giveBack(tickets[1]!, { 'x-user-id': 'user-2' })).status).toBe(200);
      expect((await front.giveBack(tickets[2]!)).status).toBe(200);
    },
  });
  const { id, tickets } = sale;
  const before = await Promise.all(tickets.map((ticket) => front.poll(ticket)));
  expect(before.map(({ body }) => body.status)).toEqual(['issued', 'cancelled', 'cancelled', 'issued']);
  const page = await until('the front has read of the end', 60_000, async () => {
    const answer = await front.ask(`/v1/campaigns/${id}`);
    return answer.body.phase === 'ended' && answer;
  });
  const ending = openEnding(t, { redis: front.redis, ledger: file.ledger() });
  expect(await ending.archive(id, 'tester')).toBe(undefined);
  expect(await keysOf(front.redis, id)).toEqual([]);

  const other = await file.start(t, { ticketKeys: KEYS });
  for (const one of [front, other]) {
    const later = await until('nothing is unknown any more', 60_000, async () => {
      const answers = await Promise.all(tickets.map((ticket) => one.poll(ticket)));
      return answers.every(({ status }) => status === 200) && answers;
    });
    expect(later.map(({ body }) => body)).toEqual(before.map(({ body }) => body));
    expect(later[0]!.body.issuance).toEqual({
      code: couponCode(COUPON_KEY, id, 1, userTag(id, 'user-1')),
      unit: 1,
    });
    const joined = await until('a join is answered', 60_000, async () => {
      const answer = await one.join(id, 'late');
      return answer.status !== 503 && answer;
    });
    expect([joined.status, joined.body.type]).toEqual([410, 'urn:problem-type:sluice:campaign-ended']);
    expect((await one.ask(`/v1/campaigns/${id}`)).body).toEqual({ ...page.body, drainPerSecond: null });
    // Who waits for a change is not kept waiting, and a stream ends.
    expect((await one.poll(tickets[0]!, { prefer: 'wait=20' })).body.status).toBe('issued');
    expect((await one.poll(tickets[1]!, { accept: 'text/event-stream' })).text).toContain('"status":"cancelled"');
  }
  expect([front.errors, other.errors]).toEqual([[], []]);
});

test('what is archived takes no change, and gives nothing back', async (t) => {
  const front = await file.start(t);
  const { id, tickets } = await endedSale(front, file.ledger(), {
    spoil: async (sale) => void (await front.giveBack(sale.tickets[0]!)),
  });
  expect((await front.admin('POST', `/admin/campaigns/${id}/archive`, { dryRun: false })).body).toMatchObject({
    campaign: id,
    dryRun: false,
    obstacle: null,
  });
  expect(
    (await front.admin('POST', `/admin/campaigns/${id}/stock`, { add: 5 }, { 'idempotency-key': 'k' })).body,
  ).toMatchObject({
    status: 409,
    type: 'urn:problem-type:sluice:conflict',
    title: expect.stringContaining('archived'),
  });
  for (const [verb, path] of [
    ['POST', '/resume'],
    ['POST', '/pause'],
  ])
    expect((await front.admin(verb!, `/admin/campaigns/${id}${path}`)).status).toBe(409);
  expect((await front.admin('PATCH', `/admin/campaigns/${id}`, { burst: 5 })).status).toBe(409);
  expect((await front.admin('POST', '/admin/campaigns', { id, stock: 100, shards: 2 })).status).toBe(409);
  expect((await front.admin('GET', `/admin/campaigns/${id}`)).body).toMatchObject({
    stage: 'archived',
    phase: 'ended',
    issued: 2,
  });
  const answered = (ticket: string) =>
    until('it is not unknown any more', 60_000, async () => {
      const answer = await front.giveBack(ticket);
      return answer.status !== 503 && answer;
    });
  expect((await answered(tickets[0]!)).body.status).toBe('cancelled');
  expect((await answered(tickets[1]!)).status).toBe(410);
  expect((await front.poll(tickets[1]!)).body.status).toBe('issued');
});

test('a ticket that Redis lost, and that its holder did not bring back in time, is told as failed', async (t) => {
  const front = await file.start(t);
  const { id, tickets } = await endedSale(front, file.ledger());
  await file.database.sql('DELETE FROM issuances WHERE campaign = ? AND unit = 2', [id]);
  await openEnding(t, { redis: front.redis, ledger: file.ledger() }).archive(id, 'tester');
  const { body } = await until('it is told', 60_000, async () => {
    const answer = await front.poll(tickets[1]!);
    return answer.body.status === 'failed' && answer;
  });
  expect(body.problem).toEqual({ type: 'urn:problem-type:sluice:issuance-failed', title: 'place-lost' });
});

test('a ticket under another unit than it names is found, whoever asks', async (t) => {
  const front = await file.start(t, { ticketKeys: KEYS });
  const { id, tickets } = await endedSale(front, file.ledger());
  await file.database.sql('UPDATE issuances SET unit = 50 WHERE campaign = ? AND unit = 2', [id]);
  await openEnding(t, { redis: front.redis, ledger: file.ledger() }).archive(id, 'tester');
  for (const headers of [{}, { 'x-user-id': 'user-2' }] as Record<string, string>[]) {
    const one = await file.start(t, { ticketKeys: KEYS });
    expect((await one.poll(tickets[1]!, headers)).body).toMatchObject({ status: 'issued', issuance: { unit: 50 } });
  }
});

test('what a letter says that no operator can redrive is told on', async (t) => {
  const front = await file.start(t);
  const { id, tickets } = await endedSale(front, file.ledger());
  await file.database.sql('DELETE FROM issuances WHERE campaign = ? AND unit = 3', [id]);
  await keepDeadLetter(file.ledger(), {
    campaign: id,
    epoch: 1,
    seq: 3,
    reason: 'malformed-entry',
    attempts: 1,
    raw: '{}',
  });
  const ending = openEnding(t, { redis: front.redis, ledger: file.ledger() });
  expect(await ending.archive(id, 'tester')).toBe(undefined);
  await until('it is told', 60_000, async () => {
    const { body } = await front.poll(tickets[2]!);
    return body.status === 'failed' && (body.problem as { title: string }).title === 'malformed-entry';
  });
  // Discarded, it is cancelled, and its unit goes nowhere.
  const letters = (await front.admin('GET', `/admin/dead-letters?campaign=${id}`)).body.deadLetters as { id: number }[];
  expect((await front.admin('POST', '/admin/dead-letters/redrive', { campaign: id })).status).toBe(409);
  expect(
    (await front.admin('POST', '/admin/dead-letters/discard', { campaign: id, tickets: [String(letters[0]!.id)] }))
      .body,
  ).toMatchObject({ done: 1 });
  expect(
    await file.database.sql('SELECT COUNT(*) AS n FROM cancellations WHERE campaign = ? AND returned_at IS NULL', [id]),
  ).toEqual([{ n: 0 }]);
  expect(await keysOf(front.redis, id)).toEqual([]);
});

test.for<[string, string]>([
  ['it goes on', 'not-drained'],
  ['a letter waits', 'dead-letters'],
  ['a unit has not gone back', 'returns'],
  ['a ticket came back', 'gate'],
  ['the gate is closed', 'gate'],
  ['a change has not reached the gate', 'gate'],
])('while %s a campaign is not archived, and goes on as before', async ([what, obstacle], t) => {
  const front = await file.start(t);
  const ledger = file.ledger();
  const { id, tickets } = await endedSale(front, ledger);
  const gate = keys.gate(id);
  if (what === 'it goes on') await file.database.sql('UPDATE campaigns SET drained_at = NULL WHERE id = ?', [id]);
  if (what === 'a letter waits')
    await keepDeadLetter(ledger, {
      campaign: id,
      epoch: 1,
      seq: 9,
      unit: 9,
      user: 'u',
      admittedAt: 1,
      reason: 'rejected',
      attempts: 6,
    });
  if (what === 'a unit has not gone back')
    await file.database.sql(
      "INSERT INTO cancellations (campaign, epoch, seq, kind, actor) VALUES (?, 1, 9, 'cancelled', 'user')",
      [id],
    );
  if (what === 'a ticket came back') await front.redis.hincrby(gate, 'seq', 1);
  if (what === 'the gate is closed') await front.redis.hset(gate, 'run_id', '');
  if (what === 'a change has not reached the gate')
    await file.database.sql('UPDATE campaigns SET version = version + 1 WHERE id = ?', [id]);
  const before = await front.redis.hgetall(gate);
  const ending = openEnding(t, { redis: front.redis, ledger });
  expect(await ending.archive(id, 'tester')).toBe(obstacle);
  expect(await front.redis.hgetall(gate)).toEqual(before);
  expect(await getCampaign(ledger, id)).toMatchObject({ archivedAt: null, epoch: 1 });
  expect((await front.admin('POST', `/admin/campaigns/${id}/archive`, { dryRun: false })).status).toBe(409);
  if (what !== 'the gate is closed')
    await until('it is told as before', 60_000, async () => (await front.poll(tickets[0]!)).body.status === 'issued');
});

test('a cancellation that the gate alone knew is in the ledger before the gate goes', async (t) => {
  const front = await file.start(t);
  const { id, tickets } = await endedSale(front, file.ledger(), {
    spoil: async (sale) => void (await front.giveBack(sale.tickets[1]!)),
  });
  await file.database.sql('DELETE FROM cancellations WHERE campaign = ?', [id]);
  expect(await openEnding(t, { redis: front.redis, ledger: file.ledger() }).archive(id, 'tester')).toBe(undefined);
  expect(await file.database.sql('SELECT seq, tag FROM cancellations WHERE campaign = ?', [id])).toEqual([
    { seq: 2, tag: userTag(id, 'user-2') },
  ]);
  await until('it is told', 60_000, async () => (await front.poll(tickets[1]!)).body.status === 'cancelled');
});

test('an old gate that is put back after the end tells no ticket anything, and goes with the next archive', async (t) => {
  const front = await file.start(t, { ticketKeys: KEYS });
  const { id, tickets } = await endedSale(front, file.ledger());
  const old = await Promise.all(
    (await keysOf(front.redis, id)).map(async (name) => [name, (await front.redis.dumpBuffer(name))!] as const),
  );
  const ending = openEnding(t, { redis: front.redis, ledger: file.ledger() });
  await ending.archive(id, 'tester');
  for (const [name, dump] of old) await front.redis.restore(name, 0, dump);
  // Taken in the middle of the sale: by this gate all tickets still wait.
  const waiting = {
    run_id: 'of-an-old-run',
    settled: 0,
    'settled:0': 0,
    'settled:1': 0,
    'watermark:0': 0,
    'watermark:1': 0,
  };
  await front.redis.hset(keys.gate(id), waiting);
  const other = await file.start(t, { ticketKeys: KEYS });
  for (const one of [front, other])
    await until('it is told by the ledger', 60_000, async () => (await one.poll(tickets[0]!)).body.status === 'issued');
  expect(await ending.archive(id, 'tester')).toBe(undefined);
  expect(await keysOf(front.redis, id)).toEqual([]);
});

test('nobody archives what is none', async (t) => {
  const front = await file.start(t);
  const ending = openEnding(t, { redis: front.redis, ledger: file.ledger() });
  const error = await ending.archive('no-such-campaign', 'tester').catch((fault: unknown) => fault);
  expect(isFault(error, 'not-found')).toBe(true);
  expect((await front.admin('POST', '/admin/campaigns/no-such-campaign/archive', {})).status).toBe(404);
  const id = await front.create();
  await file.database.sql('UPDATE campaigns SET projected_version = 0 WHERE id = ?', [id]);
  await drain(file.ledger(), id);
  expect(await ending.archive(id, 'tester')).toBe('draft');
});
