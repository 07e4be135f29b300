import { expect, test, vi } from 'vitest';
import { createHeldTickets } from '../../src/admission/held-tickets.ts';
import { signTicket, type TicketKeys } from '../../src/domain/ticket.ts';

const keys: TicketKeys = { current: 1, keys: new Map([[1, Buffer.alloc(32, 1)]]) };
const ticket = {
  campaign: 'spring',
  epoch: 1,
  seq: 7,
  unit: 3,
  admittedAt: 1_800_000_000_000,
  tag: 'AAAAAAAAAAAAAAAA',
};

test('the signature of a ticket that this front has just signed is not checked once more', () => {
  const find = vi.spyOn(keys.keys, 'get' as never) as unknown as { mock: { calls: unknown[] } };
  const text = signTicket(keys, ticket);
  const tickets = createHeldTickets(keys);
  const looked = find.mock.calls.length;
  const held = tickets.holdOwn(text, ticket);
  expect(tickets.hold(text)).toBe(held);
  expect(tickets.holdOwn(text, ticket)).toBe(held);
  expect(find.mock.calls.length).toBe(looked);
});

test('a ticket of another front is verified, and a forged one is none', () => {
  const text = signTicket(keys, ticket);
  const tickets = createHeldTickets(keys);
  expect(tickets.hold(text)).toMatchObject({ text, ticket });
  expect(tickets.hold(`${text.slice(0, -4)}AAAA`)).toBeUndefined();
});
