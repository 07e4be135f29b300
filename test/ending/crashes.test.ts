// A process is killed at every step of an archive, a purge and an erasure; another one goes on. It ends the same, whoever
// comes first.
import { fileURLToPath } from 'node:url';
import { expect, type TestContext, test } from 'vitest';
import { composeRecovery } from '../../src/composition/recovery.ts';
import { isFault } from '../../src/domain/fault.ts';
import { userTag } from '../../src/domain/ids.ts';
import { getCampaign } from '../../src/ledger/campaigns.ts';
import { keepDeadLetter } from '../../src/ledger/dead-letters.ts';
import { issueBatch } from '../../src/ledger/issuances.ts';
import { cancellationStore } from '../../src/ledger/letter-store.ts';
import { markProjected } from '../../src/ledger/projections.ts';
import { keys } from '../../src/redis/keys.ts';
import { openRetries } from '../../src/retry/bullmq.ts';
import { startProgram } from '../helpers/processes.ts';
import { redisUrl } from '../helpers/services.ts';
import { until } from '../helpers/until.ts';
import { fronts } from '../http/front.ts';
import { drain, endedSale, keysOf, openEnding } from './ended-sale.ts';

const file = fronts();
const front = file.shared();

const PROGRAM = fileURLToPath(import.meta.resolve('./mortal-process.ts'));

/** Runs the process until it is killed behind so many effects; true when it survived, because it has fewer. */
async function survives(t: TestContext, what: 'archive' | 'purge' | 'erase', name: string, effects: number) {
  const args = [what, name, String(effects), redisUrl(), file.database.url()];
  const { ended, output } = startProgram(t, [process.execPath, PROGRAM, ...args]);
  const { code, signal } = await ended;
  expect([effects, signal ?? code, output()]).toEqual([effects, signal === null ? 0 : 'SIGKILL', '']);
  return signal === null;
}

const countOf = async (statement: string, params: unknown[]) =>
  Number((await file.database.sql(`SELECT COUNT(*) AS n FROM ${statement}`, params))[0]!.n);

const auditCount = (id: string, action: string) => countOf('audit_log WHERE campaign = ? AND action = ?', [id, action]);

test.for(['another worker archives it', 'a recoverer comes first'])(
  'a kill -9 at any step of an archive ends the same: %s',
  async (who, t) => {
    const ledger = file.ledger();
    const { redis } = front();
    const retries = openRetries({ url: redisUrl(), onError: () => undefined });
    t.onTestFinished(() => retries.close());
    const recovery = composeRecovery({ redis, ledger, retries, durability: 'disk', graceMs: 0 });
    const another = openEnding(t, { redis, ledger, name: 'worker-2' });
    let effects = 0;
    let leftCount = 0;
    for (let survived = false; !survived; effects += 1) {
      const { id, tickets } = await endedSale(front(), ledger, { count: 2 });
      survived = await survives(t, 'archive', id, effects);
      // Its lease ends by itself after a while.
      await redis.del(keys.recovery(id));
      if (who === 'a recoverer comes first') {
        await recovery.recover(id, 'worker-3');
        // What a recoverer had to rebuild is live again until the janitor has looked.
        if ((await getCampaign(ledger, id))!.archivedAt === null) await drain(ledger, id);
      }
      if ((await getCampaign(ledger, id))!.archivedAt !== null && (await redis.exists(keys.gate(id))) === 1) {
        // Killed behind the commit: the keys that it left behind go with a later look.
        leftCount += await another.deleteLeftKeys(new AbortController().signal, 0);
        expect([effects, await keysOf(redis, id)]).toEqual([effects, []]);
      }
      const told = [effects, await another.archive(id, 'tester')];
      expect(told).toEqual([effects, undefined]);
      expect([effects, await keysOf(redis, id)]).toEqual([effects, []]);
      expect([effects, await recovery.recover(id, 'worker-3')]).toEqual([effects, undefined]);
      expect([effects, await keysOf(redis, id)]).toEqual([effects, []]);
      for (const ticket of tickets)
        await until('it is told', 60_000, async () => (await front().poll(ticket)).body.status === 'issued');
      expect([effects, await auditCount(id, 'archive')]).toEqual([effects, 1]);
    }
    // Its start, lease, gate shut, campaign's row, audit, commit, two deletions, lease released.
    expect(effects).toBeGreaterThan(8);
    expect(leftCount).toBeGreaterThan(0);
  },
);

test('a kill -9 at any step of a purge ends the same', async (t) => {
  const ledger = file.ledger();
  const ending = openEnding(t, { redis: front().redis, ledger });
  const { id, tickets } = await endedSale(front(), ledger, { count: 2 });
  await ending.archive(id, 'tester');
  const rows = 'INSERT INTO issuances (campaign, unit, user, seq, epoch, code, admitted_at, last_unit)';
  let effects = 0;
  for (let survived = false; !survived; effects += 1) {
    survived = await survives(t, 'purge', id, effects);
    expect([effects, await ending.purge(id, 'tester')]).toEqual([effects, undefined]);
    // What the killed process left is for a worker's next look.
    await ending.deleteLeftRows(new AbortController().signal);
    expect([effects, await countOf('issuances WHERE campaign = ?', [id])]).toEqual([effects, 0]);
    expect([effects, await auditCount(id, 'purge')]).toEqual([effects, 1]);
    expect(await getCampaign(ledger, id)).toMatchObject({ purgedAt: expect.any(Number) });
    if (survived) break;
    // As it was before, for the next one.
    await file.database.sql('UPDATE campaigns SET purged_at = NULL, rows_deleted_at = NULL WHERE id = ?', [id]);
    await file.database.sql("DELETE FROM audit_log WHERE campaign = ? AND action = 'purge'", [id]);
    await file.database.sql(`${rows} VALUES (?, 1, 'user-1', 1, 1, ?, NOW(3), 100)`, [id, uniqueCode(effects)]);
  }
  // Its start, campaign's row, audit, commit, eight tables, and the note that none is left.
  expect(effects).toBeGreaterThan(11);
  // A front believes for a while that the campaign is archived; one that starts now asks.
  const other = await file.start(t);
  expect((await other.poll(tickets[0]!)).status).toBe(410);
});

const uniqueCode = (n: number) => `PURGE${String(n).padStart(11, '0')}`;

test('a kill -9 at any step of an erasure ends the same', async (t) => {
  const ledger = file.ledger();
  const ending = openEnding(t, { redis: front().redis, ledger });
  const { id, tickets } = await endedSale(front(), ledger, { count: 2 });
  await ending.archive(id, 'tester');
  let effects = 0;
  for (let survived = false; !survived; effects += 1) {
    await file.database.sql("UPDATE issuances SET user = 'user-1' WHERE campaign = ? AND unit = 1", [id]);
    survived = await survives(t, 'erase', 'user-1', effects);
    await ending.eraseUser('user-1', 'tester');
    const rows = await file.database.sql('SELECT user FROM issuances WHERE campaign = ? ORDER BY unit', [id]);
    expect([effects, rows.map(({ user }) => user)]).toEqual([effects, [expect.stringMatching(/^erased::/), 'user-2']]);
    expect([effects, await auditCount(id, 'erase-user')]).toEqual([effects, effects + 1]);
  }
  // Its start, row, cancellation, audit, commit.
  expect(effects).toBeGreaterThan(4);
  expect((await front().poll(tickets[0]!)).body.status).toBe('issued');
});

test('two workers and an operator archive one campaign at once, beside a buyer who gives back', async (t) => {
  const ledger = file.ledger();
  const { redis } = front();
  const sale = await endedSale(front(), ledger, { count: 4 });
  const { id, tickets } = sale;
  const [one, two] = [openEnding(t, { redis, ledger, name: 'w1' }), openEnding(t, { redis, ledger, name: 'w2' })];
  await Promise.all([
    one.archive(id, 'w1'),
    front().giveBack(tickets[0]!),
    two.archive(id, 'w2'),
    front().admin('POST', `/admin/campaigns/${id}/archive`, { dryRun: false }),
    front().giveBack(tickets[1]!),
  ]);
  // Whoever came between, what was given back is finished, and then it is archived.
  await file.database.sql('UPDATE cancellations SET returned_at = NOW(3) WHERE campaign = ? AND returned_at IS NULL', [
    id,
  ]);
  await until('it is archived', 60_000, async () => (await one.archive(id, 'w1')) === undefined);
  expect(await keysOf(redis, id)).toEqual([]);
  const rows = await file.database.sql('SELECT unit FROM issuances WHERE campaign = ? ORDER BY unit', [id]);
  const held = new Set(rows.map(({ unit }) => Number(unit)));
  for (const [index, ticket] of tickets.entries()) {
    const status = held.has(index + 1) ? 'issued' : 'cancelled';
    await until(
      `${index} is told as it stands`,
      60_000,
      async () => (await front().poll(ticket)).body.status === status,
    );
  }
  expect(
    await file.database.sql("SELECT COUNT(*) AS n FROM audit_log WHERE campaign = ? AND action = 'archive'", [id]),
  ).toEqual([{ n: 1 }]);
});

test('what slept through the end writes nothing: a batch, a letter, a give-back, a projection', async (t) => {
  const ledger = file.ledger();
  const { redis, gate } = front();
  const { id } = await endedSale(front(), ledger);
  const asleep = (await getCampaign(ledger, id))!;
  await openEnding(t, { redis, ledger }).archive(id, 'tester');
  const row = { campaign: id, unit: 9, user: 'u9', seq: 9, epoch: 1, code: 'A'.repeat(16), admittedAt: 1 };
  // Also under the epoch of the archive: who reads the shut gate before it is deleted knows that one.
  for (const epoch of [asleep.epoch, asleep.epoch + 1])
    await expect(issueBatch(ledger, [row], epoch)).rejects.toMatchObject({ code: 'stale-epoch' });
  const letter = {
    campaign: id,
    epoch: 1,
    seq: 9,
    unit: 9,
    user: 'u9',
    admittedAt: 1,
    reason: 'rejected',
    attempts: 1,
  };
  for (const epoch of [asleep.epoch, asleep.epoch + 1])
    await expect(keepDeadLetter(ledger, letter, epoch)).rejects.toMatchObject({ code: 'stale-epoch' });
  const given = { campaign: id, tag: userTag(id, 'user-1'), user: 'user-1', unit: 1, names: [{ epoch: 1, seq: 1 }] };
  const cancellations = cancellationStore(ledger);
  for (const late of [cancellations.cancel, cancellations.recordCancelled, cancellations.recordWish])
    expect(isFault(await late(given).catch((error: unknown) => error), 'archived')).toBe(true);
  expect(await gate.project({ ...asleep, version: asleep.version + 1 }, false)).toBe('missing');
  await expect(gate.admit(asleep, [{ tag: given.tag, user: 'user-1', trace: '' }], 0)).rejects.toMatchObject({
    code: 'gate-missing',
  });
  await markProjected(ledger, id, asleep.version);
  expect(await keysOf(redis, id)).toEqual([]);
  expect(await file.database.sql('SELECT COUNT(*) AS n FROM issuances WHERE campaign = ?', [id])).toEqual([{ n: 3 }]);
});
