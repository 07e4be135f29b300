// Verbs that take something out of the stores for good: each first shows what would go.
import { expect, test } from 'vitest';
import { uniqueName } from '../helpers/services.ts';
import { until } from '../helpers/until.ts';
import { ownDatabase } from '../ledger/own-database.ts';
import { runningFront } from './running-front.ts';
import { sluice } from './sluice.ts';

const database = ownDatabase();
const front = runningFront({ workers: 1, database });

const run = (...args: string[]) => sluice(args, { ADMIN_URL: front.adminUrl, ADMIN_TOKEN: front.adminToken });

/** A campaign of one ticket that is over, as soon as a worker has issued it. */
async function ended(): Promise<{ id: string; ticket: string }> {
  const id = uniqueName('ends');
  await run('campaign', 'create', id, '--stock', '5', '--shards', '1');
  const joined = await until('ann has joined', 60_000, async () => {
    const answer = await fetch(`${front.url}/v1/campaigns/${id}/tickets`, {
      method: 'POST',
      headers: { 'x-user-id': 'ann' },
    });
    return answer.status === 202 && ((await answer.json()) as { ticket: string });
  });
  await until('it is issued', 60_000, async () => (await poll(joined.ticket)).status === 'issued');
  await run('campaign', 'close', id);
  return { id, ticket: joined.ticket };
}

async function poll(ticket: string): Promise<{ code: number; status?: string; type?: string }> {
  const answer = await fetch(`${front.url}/v1/tickets/${ticket}`);
  return { code: answer.status, ...((await answer.json()) as object) };
}

/** A worker declares it a minute after the end. */
const drained = (id: string) => database.sql('UPDATE campaigns SET drained_at = NOW(3) WHERE id = ?', [id]);

test('a campaign is archived and purged, and its buyer erased, each after a dry run that changes nothing', async () => {
  const { id, ticket } = await ended();
  const early = await run('campaign', 'archive', id, '--yes');
  expect([early.code, early.err]).toEqual([1, expect.stringMatching(/409.*has not ended, or has tickets/s)]);
  const blocked = await run('campaign', 'archive', id);
  expect([blocked.code, blocked.out]).toEqual([
    0,
    expect.stringMatching(/^Dry run: \S+ cannot be archived now: the campaign has not ended/),
  ]);
  await drained(id);

  const dry = await run('campaign', 'archive', id);
  expect([dry.code, dry.out]).toEqual([
    0,
    `Dry run: nothing was changed. Would leave Redis: 3 keys. To do it: sluice campaign archive ${id} --yes\n`,
  ]);
  expect((await run('campaign', 'show', id)).out).toMatch(/^state +closed, ended$/m);
  const done = await run('campaign', 'archive', id, '--yes');
  expect([done.code, done.out]).toEqual([
    0,
    `Archived ${id}. Left Redis: 3 keys. Its tickets are answered from the ledger.\n`,
  ]);
  expect((await run('campaign', 'show', id)).out).toMatch(/^state +archived, ended$/m);
  expect((await run('campaign', 'list')).out).toMatch(new RegExp(`^${id} +archived`, 'm'));
  await until('it is told by the ledger', 60_000, async () => (await poll(ticket)).status === 'issued');

  const would = await run('user', 'erase', 'ann');
  expect([would.code, would.out]).toEqual([
    0,
    `Dry run: nothing was changed. To do it, run the command again with --yes.\nWould be erased in: ${id}.\n`,
  ]);
  expect(await usersOf(id)).toEqual(['ann']);
  expect((await run('user', 'erase', 'ann', '--yes')).out).toBe(`Erased in: ${id}.\n`);
  expect(await usersOf(id)).toEqual([expect.stringMatching(/^erased::[0-9a-f]{24}$/)]);
  expect((await run('user', 'erase', 'ann')).out).toBe('The ledger has no ticket of this buyer.\n');
  expect((await poll(ticket)).status).toBe('issued');

  const purge = await run('campaign', 'purge', id);
  expect(purge.out).toMatch(/^Dry run: nothing was changed\. Would leave the ledger: 1 row of issuances.* --yes\n$/);
  expect((await run('campaign', 'purge', id, '--yes')).out).toMatch(/^Purged \S+ Left the ledger: 1 row of issuances/);
  await until('it is told', 60_000, async () => (await poll(ticket)).code === 410);
  expect((await poll(ticket)).type).toBe('urn:problem-type:sluice:campaign-purged');
  const audit = await database.sql('SELECT action FROM audit_log WHERE campaign = ? ORDER BY id', [id]);
  expect(audit.map(({ action }) => action)).toEqual(['create', 'close', 'archive', 'erase-user', 'purge']);
});

const usersOf = async (id: string) =>
  (await database.sql('SELECT user FROM issuances WHERE campaign = ?', [id])).map(({ user }) => user);

test('what cannot be done is said with the reason, and a buyer waits for a campaign that goes on', async () => {
  const { id } = await ended();
  expect((await run('user', 'erase', 'ann', '--yes')).out).toBe(`Will be erased once archived in: ${id}.\n`);
  const purge = await run('campaign', 'purge', id, '--yes');
  expect([purge.code, purge.err]).toEqual([1, expect.stringContaining('archive it first')]);
  expect((await run('campaign', 'archive', uniqueName('none'))).code).toBe(1);
  expect((await run('campaign', 'archive')).code).toBe(64);
  expect((await run('user', 'erase', ' ')).code).toBe(64);
  expect((await run('user', 'forget', 'ann')).code).toBe(64);
});
