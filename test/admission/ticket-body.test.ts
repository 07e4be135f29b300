import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type TicketBody, ticketJson } from '../../src/admission/ticket-body.ts';
import { signTicket } from '../../src/domain/ticket.ts';

const keys = { current: 7, keys: new Map([[7, Buffer.alloc(32, 1)]]) };
const count = fc.nat({ max: 2 ** 31 });
const millis = fc.option(count);

const body = fc
  .record({
    campaign: fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,62}$/),
    status: fc.constantFrom(
      'queued' as const,
      'retrying' as const,
      'cancelled' as const,
      'issued' as const,
      'failed' as const,
    ),
    seq: count,
    ahead: count,
    eta: fc.record({ known: fc.boolean(), p50Ms: millis, p90Ms: millis }),
    pollAfterMs: count,
    durability: fc.constantFrom('memory', 'disk'),
    issuance: fc.option(fc.record({ code: fc.string(), unit: count }), { nil: undefined }),
    problem: fc.option(fc.record({ type: fc.string(), title: fc.string() }), { nil: undefined }),
  })
  .map(({ issuance, problem, ...rest }): TicketBody => {
    const { campaign, seq } = rest;
    const ticket = signTicket(keys, {
      campaign,
      epoch: 1,
      seq,
      unit: 1,
      admittedAt: 1_700_000_000_000,
      tag: 'AAAAAAAAAAAAAAAA',
    });
    const links = { self: `/v1/tickets/${ticket}`, campaign: `/v1/campaigns/${campaign}` };
    return { ticket, ...rest, links, ...(issuance && { issuance }), ...(problem && { problem }) };
  });

test('a body put together by hand says exactly what JSON.stringify would say', () => {
  fc.assert(
    fc.property(body, (made) => {
      expect(JSON.parse(ticketJson(made))).toEqual(JSON.parse(JSON.stringify(made)));
    }),
  );
});
