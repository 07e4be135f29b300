// Who is left to look at one by one once the other stores were read.
import { expect, test } from 'vitest';
import { userTag } from '../../src/domain/ids.ts';
import { EpochSeqs } from '../../src/recovery/epoch-seqs.ts';
import { UnitBook } from '../../src/recovery/unit-book.ts';

const STOCK = 5;
const tag = (n: number) => userTag('sale', `user-${n}`);
const user = (n: number, unit = n) => ({ tag: tag(n), seq: 1_000 + n, unit });

function bookOf(...users: ReturnType<typeof user>[]) {
  const book = new UnitBook(STOCK);
  return { book, taken: users.map((one) => book.remember(one)) };
}

test('users whom another store confirms are not looked at again, others are', () => {
  const { book } = bookOf(user(1), user(2), user(3));
  expect([book.confirm(tag(1), 1), book.confirm(tag(1), 1), book.confirm(tag(3), 3)]).toEqual([true, true, true]);
  expect([...book.unconfirmed()]).toEqual([user(2)]);
});

test('a row of another user, of another unit or of no unit confirms nobody', () => {
  const { book } = bookOf(user(1));
  expect([book.confirm(tag(2), 1), book.confirm(tag(1), 2), book.confirm(tag(1), 0), book.confirm(tag(1), 99)]).toEqual(
    Array(4).fill(false),
  );
  expect([...book.unconfirmed()]).toEqual([user(1)]);
});

test('a second user of a unit, a unit that the campaign does not have and a tag that is none are left to the caller', () => {
  const { book, taken } = bookOf(user(1), user(2, 1), user(3, 0), user(4, STOCK + 1), { ...user(5), tag: 'short' });
  expect(taken).toEqual([true, false, false, false, false]);
  expect([...book.unconfirmed()]).toEqual([user(1)]);
});

test('users are found by their tags, confirmed or not', () => {
  const { book } = bookOf(user(1), user(2), user(5));
  book.confirm(tag(5), 5);
  expect([...book.usersOf(new Set([tag(2), tag(5), tag(9)]))]).toEqual([user(2), user(5)]);
});

test('units are held, free, both or neither, whoever their users are', () => {
  const { book } = bookOf(user(2));
  for (const unit of [0, 2, 3, STOCK + 1]) book.hold(unit);
  for (const unit of [3, 4, -1]) book.free(unit);
  const marks = [1, 2, 3, 4].map((unit) => [book.isHeld(unit), book.isFree(unit)]);
  expect(marks).toEqual([
    [false, false],
    [true, false],
    [true, true],
    [false, true],
  ]);
  expect([...book.unconfirmed()]).toEqual([user(2)]);
});

test('tickets of epochs that are over are missing until a store has them, or a user of the gate stands there', () => {
  const seqs = new EpochSeqs([
    { epoch: 1, afterSeq: 0 },
    { epoch: 2, afterSeq: 4 },
    { epoch: 3, afterSeq: 6 },
  ]);
  seqs.ticket({ epoch: 1, seq: 2 });
  seqs.ticket({ epoch: 2, seq: 3 });
  seqs.ticket({ epoch: 3, seq: 5 });
  seqs.place(6);
  seqs.place(7);
  expect([...seqs.missing()]).toEqual([
    { epoch: 1, seq: 1 },
    { epoch: 1, seq: 3 },
    { epoch: 1, seq: 4 },
    { epoch: 2, seq: 5 },
  ]);
});

test('a stranger who moved a gate on by billions makes a million missing tickets, not billions', () => {
  const seqs = new EpochSeqs([
    { epoch: 1, afterSeq: 0 },
    { epoch: 2, afterSeq: 3_000_000_000 },
  ]);
  expect([...seqs.missing()]).toHaveLength(1_000_000);
});
