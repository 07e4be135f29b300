// The rows of an archived campaign leave the ledger, and nothing of the next campaign is taken for it.
import { expect, test } from 'vitest';
import { keepDeadLetter } from '../../src/ledger/dead-letters.ts';
import { until } from '../helpers/until.ts';
import { fronts, type TestFront } from '../http/front.ts';
import { endedSale, openEnding } from './ended-sale.ts';

const file = fronts();

const end = (front: TestFront, id: string, verb: string, dryRun = false) =>
  front.admin('POST', `/admin/campaigns/${id}/${verb}`, { dryRun });

const untilStatus = (what: string, status: number, ask: () => Promise<{ status: number; body: unknown }>) =>
  until(what, 60_000, async () => {
    const answer = await ask();
    return answer.status === status && answer;
  });

test('a purge takes the rows of its campaign alone, and its tickets are 410 from then on', async (t) => {
  const front = await file.start(t);
  const kept = await endedSale(front, file.ledger());
  const { id, tickets } = await endedSale(front, file.ledger(), {
    spoil: async (sale) => void (await front.giveBack(sale.tickets[0]!)),
  });
  await end(front, id, 'archive');
  await until('its tickets are told by the ledger', 60_000, async () => (await front.poll(tickets[1]!)).status === 200);
  const dry = await end(front, id, 'purge', true);
  expect(dry.body).toEqual({
    campaign: id,
    dryRun: true,
    obstacle: null,
    keys: 0,
    rows: { issuances: 2, cancellations: 1 },
  });
  expect((await front.poll(tickets[1]!)).body.status).toBe('issued');
  expect((await end(front, id, 'purge')).body).toEqual({ ...dry.body, dryRun: false });

  // A front believes for a while what it was told; one that starts now asks.
  const other = await file.start(t);
  const { body } = await untilStatus('a poll is 410', 410, () => other.ask(`/v1/campaigns/${id}`));
  expect(body).toMatchObject({ type: 'urn:problem-type:sluice:campaign-purged' });
  const join = await untilStatus('a join is 410', 410, () => other.join(id, 'late'));
  expect(join.body).toMatchObject({ type: 'urn:problem-type:sluice:campaign-ended' });
  for (const table of ['issuances', 'cancellations', 'dead_letters', 'epochs'])
    expect(await file.database.sql(`SELECT COUNT(*) AS n FROM ${table} WHERE campaign = ?`, [id])).toEqual([{ n: 0 }]);
  const actions = await file.database.sql('SELECT action, `after` FROM audit_log WHERE campaign = ? ORDER BY id', [id]);
  expect(actions.at(-1)).toMatchObject({ action: 'purge', after: expect.stringContaining('"issuances":2') });
  expect((await front.admin('GET', `/admin/campaigns/${id}`)).body).toMatchObject({ stage: 'purged', issued: 0 });
  expect((await front.admin('POST', '/admin/campaigns', { id, stock: 7 })).status).toBe(409);
  expect((await front.poll(kept.tickets[0]!)).body.status).toBe('issued');
  expect([front.errors, other.errors]).toEqual([[], []]);
});

test('a campaign that is not archived, or has a letter that waits, is not purged', async (t) => {
  const front = await file.start(t);
  const { id, tickets } = await endedSale(front, file.ledger());
  const refused = await end(front, id, 'purge');
  expect([refused.status, refused.body.title]).toEqual([409, expect.stringContaining('archive it first')]);
  await end(front, id, 'archive');
  await keepDeadLetter(file.ledger(), { campaign: id, epoch: 1, seq: 9, reason: 'malformed-entry', attempts: 1 });
  const waits = await end(front, id, 'purge');
  expect([waits.status, waits.body.title]).toEqual([409, expect.stringContaining('dead letters')]);
  expect((await end(front, id, 'purge', true)).body.obstacle).toContain('dead letters');
  expect((await front.admin('POST', '/admin/dead-letters/discard', { campaign: id })).body).toMatchObject({ done: 1 });
  await until('it is told as before', 60_000, async () => (await front.poll(tickets[0]!)).body.status === 'issued');
  expect((await end(front, id, 'purge')).status).toBe(200);
  // Again: it is done.
  expect((await end(front, id, 'purge')).body).toMatchObject({ obstacle: null, rows: {} });
  expect((await end(front, id, 'archive')).body).toMatchObject({ obstacle: null });
});

test('who may only read archives, purges and erases nothing, and a typing error is refused by name', async (t) => {
  const front = await file.start(t);
  const { id } = await endedSale(front, file.ledger());
  for (const path of [`/admin/campaigns/${id}/archive`, `/admin/campaigns/${id}/purge`, '/admin/users/erase']) {
    const body = path.endsWith('erase') ? { user: 'user-1' } : {};
    expect([path, (await front.admin('POST', path, { ...body, dryrun: true })).status]).toEqual([path, 422]);
    const read = await fetch(`${front.adminUrl}${path}`, {
      method: 'POST',
      headers: { authorization: 'Bearer a-read-token-of-tests-only', 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    expect([path, read.status]).toEqual([path, 403]);
  }
  expect((await front.admin('GET', `/admin/campaigns/${id}`)).body).toMatchObject({ stage: 'drained' });
});

test('rows that the call had no time for are deleted by the next look of a worker', async (t) => {
  const front = await file.start(t);
  const { id } = await endedSale(front, file.ledger());
  const ending = openEnding(t, { redis: front.redis, ledger: file.ledger() });
  await ending.archive(id, 'tester');
  expect(await ending.purge(id, 'tester')).toBe(undefined);
  const due = await ending.findDue(Number.MAX_SAFE_INTEGER / 1_000_000, undefined);
  expect(due.rows).toBe(true);
  await ending.deleteLeftRows(new AbortController().signal);
  expect(await file.database.sql('SELECT COUNT(*) AS n FROM issuances WHERE campaign = ?', [id])).toEqual([{ n: 0 }]);
});
