import { expect, test } from 'vitest';
import type { GivenBack } from '../../src/domain/cancellation.ts';
import { userTag } from '../../src/domain/ids.ts';
import {
  cancelTicket,
  discardLetter,
  listUnreturned,
  markReturned,
  recordCancelled,
} from '../../src/ledger/cancellations.ts';
import { getDeadLetter, keepDeadLetter } from '../../src/ledger/dead-letters.ts';
import { cancelledUsers } from '../../src/ledger/exclusion.ts';
import { issueBatch } from '../../src/ledger/issuances.ts';
import { claimRedrive, endRedrive, takeStuckRedrives } from '../../src/ledger/redrives.ts';
import { startLossyProxy } from './lossy-proxy.ts';
import { ownDatabase } from './own-database.ts';
import { openSale, type Sale } from './sale.ts';

const database = ownDatabase();

/** The ticket of `user-<unit>`, as who asks without a name gives it back. */
const given = (sale: Sale, unit: number, other: Partial<GivenBack> = {}): GivenBack => ({
  campaign: sale.id,
  tag: userTag(sale.id, `user-${unit}`),
  user: undefined,
  unit,
  names: [{ epoch: 1, seq: unit }],
  ...other,
});
const letterOf = (sale: Sale, unit: number) => {
  const { campaign, epoch, seq, user, admittedAt } = sale.row(unit);
  return { campaign, epoch, seq, unit, user, admittedAt, reason: 'rejected', attempts: 6 };
};
const idOf = async (sale: Sale, unit: number) => (await getDeadLetter(database.open(), letterOf(sale, unit)))!.id;
const unitsOf = async (sale: Sale) =>
  (await database.sql('SELECT unit FROM issuances WHERE campaign = ? ORDER BY unit', [sale.id])).map(
    ({ unit }) => unit,
  );
const countOf = async (sale: Sale) =>
  (await database.sql('SELECT seq FROM cancellations WHERE campaign = ?', [sale.id])).length;

test('an issuance is given up for a cancellation, once, however many ask at once', async () => {
  const ledger = database.open();
  const sale = await openSale(ledger);
  await issueBatch(ledger, sale.rows(1, 3));
  const made = await Promise.all(Array.from({ length: 8 }, () => cancelTicket(ledger, given(sale, 2))));
  const cancellation = {
    campaign: sale.id,
    epoch: 1,
    seq: 2,
    tag: userTag(sale.id, 'user-2'),
    user: 'user-2',
    unit: 2,
    kind: 'cancelled',
    actor: 'user',
  };
  expect(made).toEqual(Array(8).fill(cancellation));
  expect(await unitsOf(sale)).toEqual([1, 3]);
  expect(await countOf(sale)).toBe(1);
  expect(await cancelledUsers(ledger, sale.id, ['user-1', 'user-2'])).toEqual(new Set(['user-2']));
  expect(await listUnreturned(ledger, -1_000)).toContainEqual(cancellation);
  await markReturned(ledger, cancellation);
  expect(await listUnreturned(ledger, -1_000)).not.toContainEqual(cancellation);
});

test('nobody gives back what is somebody else’s, whatever unit and seq they name', async () => {
  const ledger = database.open();
  const sale = await openSale(ledger);
  await issueBatch(ledger, sale.rows(1, 2));
  await keepDeadLetter(ledger, letterOf(sale, 3));
  const thief = { tag: userTag(sale.id, 'user-9') };
  expect(await cancelTicket(ledger, given(sale, 2, thief))).toBeUndefined();
  expect(await cancelTicket(ledger, given(sale, 2, { ...thief, user: 'user-9' }))).toBeUndefined();
  expect(await cancelTicket(ledger, given(sale, 3, thief))).toBeUndefined();
  expect(await unitsOf(sale)).toEqual([1, 2]);
  // Two gates gave the same seq: the cancellation of one is not that of the other.
  await cancelTicket(ledger, given(sale, 1));
  expect(await cancelTicket(ledger, given(sale, 1, thief))).toBeUndefined();
});

test('a renumbered ticket gives back the unit that the ledger holds for it', async () => {
  const ledger = database.open();
  const sale = await openSale(ledger);
  await issueBatch(ledger, [sale.row(7, { user: 'user-2', seq: 2 })]);
  const asked = given(sale, 2, { user: 'user-2' });
  expect(await cancelTicket(ledger, asked)).toMatchObject({ seq: 2, unit: 7 });
  expect(await unitsOf(sale)).toEqual([]);
});

test('a kept letter is discarded with its cancellation; one that an operator has in hand is busy', async () => {
  const ledger = database.open();
  const sale = await openSale(ledger);
  await keepDeadLetter(ledger, letterOf(sale, 1));
  const claimed = await claimRedrive(ledger, await idOf(sale, 1), 'ann');
  expect(await cancelTicket(ledger, given(sale, 1))).toBe('busy');
  expect(await discardLetter(ledger, await idOf(sale, 1), 'bob')).toEqual({ kind: 'gone' });
  await endRedrive(ledger, claimed!, 'kept');
  expect(await cancelTicket(ledger, given(sale, 1))).toMatchObject({ user: 'user-1', unit: 1, kind: 'cancelled' });
  expect((await getDeadLetter(ledger, letterOf(sale, 1)))!.state).toBe('discarded');
  expect(await keepDeadLetter(ledger, letterOf(sale, 1))).toEqual({ kind: 'cancelled' });
});

test('a cancellation that the gate decided is written down once, and whose it is is added by who knows', async () => {
  const ledger = database.open();
  const sale = await openSale(ledger);
  const users = async () =>
    (await database.sql('SELECT user FROM cancellations WHERE campaign = ?', [sale.id]))[0]!.user;
  await Promise.all([1, 2, 3].map(() => recordCancelled(ledger, given(sale, 1))));
  expect(await users()).toBeNull();
  await recordCancelled(ledger, given(sale, 1, { user: 'an-impostor' }));
  expect(await users()).toBeNull();
  await recordCancelled(ledger, given(sale, 1, { user: 'user-1' }));
  expect([await users(), await countOf(sale)]).toEqual(['user-1', 1]);
});

test('a ticket that the gate cancelled by itself kept its dead letter, so that it had both', async () => {
  const ledger = database.open();
  const sale = await openSale(ledger);
  await keepDeadLetter(ledger, letterOf(sale, 1));
  await keepDeadLetter(ledger, letterOf(sale, 2));
  await recordCancelled(ledger, given(sale, 1));
  const stateOf = async (unit: number) => (await getDeadLetter(ledger, letterOf(sale, unit)))!.state;
  expect([await stateOf(1), await stateOf(2), await countOf(sale)]).toEqual(['discarded', 'kept', 1]);
  expect(await claimRedrive(ledger, await idOf(sale, 1), 'ann')).toBeUndefined();
});

test('a cancellation whose answer was lost is the same one when it is asked again', async (t) => {
  const proxy = await startLossyProxy(t, database.url());
  const ledger = database.open({ url: proxy.url });
  const sale = await openSale(database.open());
  await issueBatch(database.open(), sale.rows(1, 1));
  proxy.loseAnswerTo('COMMIT', 'close');
  await expect(cancelTicket(ledger, given(sale, 1))).rejects.toMatchObject({ retryable: true });
  expect(await cancelTicket(ledger, given(sale, 1))).toMatchObject({ user: 'user-1', unit: 1 });
  expect([await unitsOf(sale), await countOf(sale)]).toEqual([[], 1]);
});

test('of many who claim a letter one gets it, and of many who take over what is stuck as well', async () => {
  const ledgers = [1, 2, 3, 4].map((n) => database.open({ name: `claimer ${n}` }));
  const sale = await openSale(ledgers[0]!);
  await keepDeadLetter(ledgers[0]!, letterOf(sale, 1));
  const id = await idOf(sale, 1);
  const claims = await Promise.all(ledgers.map((ledger) => claimRedrive(ledger, id, ledger.name)));
  expect(claims.filter(Boolean)).toMatchObject([{ id, state: 'redriving', redriveCount: 1 }]);
  await database.sql('UPDATE dead_letters SET redriving_at = redriving_at - interval 1 hour WHERE id = ?', [id]);
  const taken = await Promise.all(ledgers.map((ledger) => takeStuckRedrives(ledger, 60_000)));
  expect(taken.flat().filter((letter) => letter.id === id)).toHaveLength(1);
  // A last word of an earlier redrive ends nothing.
  const [claim] = claims.filter(Boolean);
  await endRedrive(ledgers[0]!, { ...claim!, redriveCount: 0 }, 'kept');
  expect((await getDeadLetter(ledgers[0]!, letterOf(sale, 1)))!.state).toBe('redriving');
});

test('a letter that fails again is kept again by the redrive that is alive, and by no other', async () => {
  const ledger = database.open();
  const sale = await openSale(ledger);
  const letter = letterOf(sale, 1);
  expect(await keepDeadLetter(ledger, letter)).toEqual({ kind: 'kept', reason: 'rejected' });
  expect(await keepDeadLetter(ledger, letter)).toEqual({ kind: 'kept', reason: 'rejected' });
  const claimed = await claimRedrive(ledger, await idOf(sale, 1), 'ann');
  await endRedrive(ledger, claimed!, 'redriven');
  expect(await keepDeadLetter(ledger, letter)).toEqual({ kind: 'moved-on' });
  const again = { ...letter, redriveCount: 1, attempts: 4, reason: 'no-unit-left' };
  expect(await keepDeadLetter(ledger, again)).toEqual({ kind: 'kept', reason: 'no-unit-left' });
  expect(await keepDeadLetter(ledger, again)).toEqual({ kind: 'kept', reason: 'no-unit-left' });
  expect(await getDeadLetter(ledger, letter)).toMatchObject({ state: 'kept', attempts: 10, reason: 'no-unit-left' });
});
