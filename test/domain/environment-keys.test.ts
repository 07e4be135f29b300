import { expect, test } from 'vitest';
import { couponCode } from '../../src/domain/coupon.ts';
import { environmentKey, environmentTicketKeys } from '../../src/domain/environment-keys.ts';
import { signTicket, type Ticket, type TicketKeys, verifyTicket } from '../../src/domain/ticket.ts';

const KEYS: TicketKeys = { current: 1, keys: new Map([[1, Buffer.alloc(32, 1)]]) };
const SAMPLE: Ticket = {
  campaign: 'spring-sale',
  epoch: 1,
  seq: 42,
  unit: 7,
  admittedAt: 1_800_000_000_000,
  tag: 'AbCdEfGhIjKlMnOp',
};

test('tickets of one environment were tickets of another that has the same keys', () => {
  const of = (name: string | undefined) => environmentTicketKeys(name, KEYS);
  const text = signTicket(of('staging'), SAMPLE);
  expect(verifyTicket(of('staging'), text)).toEqual(SAMPLE);
  for (const other of ['production', undefined]) expect(verifyTicket(of(other), text)).toBeUndefined();
  expect(signTicket(of(undefined), SAMPLE)).toBe(signTicket(KEYS, SAMPLE));
  const key = Buffer.alloc(32, 7);
  const codes = ['staging', 'production', undefined].map((name) =>
    couponCode(environmentKey(name, 'coupon', key), 'spring-sale', 7, SAMPLE.tag),
  );
  expect(new Set(codes).size).toBe(3);
});
