// A ticket's text in a log or in a Referer: whoever finds it must not find out whose it is.
import { expect, test } from 'vitest';
import { userTag } from '../../src/domain/ids.ts';
import { fronts } from '../http/front.ts';

const front = fronts().shared();

test('the phone number of a buyer could be guessed from the text of the ticket', async () => {
  const campaign = await front().create();
  const phone = '010-5555-0042';
  const { ticket } = (await front().join(campaign, phone)).body;
  const payload = Buffer.from(ticket.split('.')[0]!, 'base64url');
  const phones = Array.from({ length: 1_000 }, (_, i) => `010-5555-${String(i).padStart(4, '0')}`);
  expect(phones).toContain(phone);
  // Whatever part of a plain hash of the number a text holds, anywhere.
  const found = phones.filter((one) =>
    payload.includes(Buffer.from(userTag(campaign, one), 'base64url').subarray(0, 4)),
  );
  expect(found).toEqual([]);
  // To the front the text says all the same whose it is.
  expect((await front().poll(ticket, { 'x-user-id': phone })).status).toBe(200);
  expect((await front().poll(ticket, { 'x-user-id': '010-5555-0043' })).status).toBe(404);
});

test('two tickets of one buyer have nothing in common by which they could be told to be the same buyer’s', async () => {
  const tags = await Promise.all(
    ['ann', 'ann', 'bob'].map(async (user) => {
      const { ticket } = (await front().join(await front().create(), user)).body;
      return Buffer.from(ticket.split('.')[0]!, 'base64url').subarray(20, 32).toString('hex');
    }),
  );
  expect(new Set(tags).size).toBe(3);
});
