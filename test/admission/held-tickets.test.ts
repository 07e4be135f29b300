import { expect, test, vi } from 'vitest';
import { createCampaignMemory } from '../../src/admission/campaign-memory.ts';
import { createHeldTickets, isStill } from '../../src/admission/held-tickets.ts';
import type { TicketBody } from '../../src/admission/ticket-body.ts';
import type { GateView } from '../../src/domain/gate-view.ts';
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

test('a cancellation is asked for again after a new epoch, for the ledger may never have got it and an old Redis forgets it', () => {
  const final = { epoch: 1, body: { status: 'cancelled' } as TicketBody };
  const memory = createCampaignMemory({ epoch: 1, stock: 10 } as GateView, 0);
  memory.cancelled.add(ticket.tag);
  expect(isStill(final, memory, ticket.tag)).toBe(true);
  memory.view = { ...memory.view, epoch: 2 };
  expect(isStill(final, memory, ticket.tag)).toBe(false);
  expect(isStill(final, undefined, ticket.tag)).toBe(false);
});
