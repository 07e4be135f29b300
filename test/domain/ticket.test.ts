import fc from 'fast-check';
import { expect, test } from 'vitest';
import { signTicket, type Ticket, type TicketKeys, verifyTicket } from '../../src/domain/ticket.ts';

const ring = (current: number, ...ids: number[]): TicketKeys => ({
  current,
  keys: new Map(ids.map((id) => [id, Buffer.alloc(32, id)])),
});
const KEYS = ring(1, 1);

const campaignId = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,62}$/);
const ticket: fc.Arbitrary<Ticket> = fc.record({
  campaign: campaignId,
  epoch: fc.integer({ min: 1, max: 65_535 }),
  seq: fc.maxSafeNat().map((seq) => seq % 2 ** 48),
  unit: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
  admittedAt: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
  tag: fc.uint8Array({ minLength: 12, maxLength: 12 }).map((bytes) => Buffer.from(bytes).toString('base64url')),
});

test('what is signed is what is read, in at most 150 characters and always as the same string', () => {
  fc.assert(
    fc.property(ticket, (given) => {
      const text = signTicket(KEYS, given);
      expect(text).toMatch(/^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{22}$/);
      expect(text.length).toBeLessThanOrEqual(150);
      expect(signTicket(KEYS, given)).toBe(text);
      expect(verifyTicket(KEYS, text)).toEqual(given);
    }),
    { numRuns: 500 },
  );
});

const SAMPLE: Ticket = {
  campaign: 'spring-sale',
  epoch: 1,
  seq: 42,
  unit: 7,
  admittedAt: 1_800_000_000_000,
  tag: 'AbCdEfGhIjKlMnOp',
};

test('a change of any one character, to any other, is not taken', () => {
  const text = signTicket(KEYS, SAMPLE);
  const others = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \0é';
  for (let at = 0; at < text.length; at += 1) {
    for (const other of others) {
      if (other === text[at]) continue;
      expect(verifyTicket(KEYS, text.slice(0, at) + other + text.slice(at + 1)), `${other} at ${at}`).toBeUndefined();
    }
  }
});

test('no part of a ticket is one, nor a ticket with more', () => {
  const text = signTicket(KEYS, SAMPLE);
  for (let from = 0; from < text.length; from += 1) {
    expect(verifyTicket(KEYS, text.slice(from + 1))).toBeUndefined();
    expect(verifyTicket(KEYS, text.slice(0, from))).toBeUndefined();
  }
  for (const more of ['A', '=', '.', '\n', ' ', text]) {
    expect(verifyTicket(KEYS, text + more)).toBeUndefined();
    expect(verifyTicket(KEYS, more + text)).toBeUndefined();
  }
});

test('no text at all makes it throw', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => verifyTicket(KEYS, text) === undefined),
  );
});

test('the MAC of one ticket does not carry another', () => {
  fc.assert(
    fc.property(ticket, ticket, (a, b) => {
      fc.pre(JSON.stringify(a) !== JSON.stringify(b));
      const [payload] = signTicket(KEYS, a).split('.');
      const [, mac] = signTicket(KEYS, b).split('.');
      return verifyTicket(KEYS, `${payload}.${mac}`) === undefined;
    }),
  );
});

test('an older key goes on checking, a removed one does not, and another with its id neither', () => {
  const text = signTicket(KEYS, SAMPLE);
  expect(verifyTicket({ ...ring(1, 1, 2), successors: [{ id: 2, fromMs: SAMPLE.admittedAt + 1 }] }, text)).toEqual(
    SAMPLE,
  );
  expect(verifyTicket(ring(2, 2), text)).toBeUndefined();
  expect(verifyTicket({ current: 1, keys: new Map([[1, Buffer.alloc(32, 9)]]) }, text)).toBeUndefined();
  expect(() => signTicket(ring(3, 1, 2), SAMPLE)).toThrow('no ticket signing key');
});

test('a ticket of what is no campaign id is none, also with a true signature', () => {
  for (const campaign of ['', '../x', '{x}', 'A', 'a:b']) {
    expect(verifyTicket(KEYS, signTicket(KEYS, { ...SAMPLE, campaign }))).toBeUndefined();
  }
});

test('after a rotation the same ticket has the same text, and tickets from then on are signed by the new key', () => {
  const before = ring(1, 1);
  const at = SAMPLE.admittedAt;
  const rotating: TicketKeys = {
    ...ring(1, 1, 2, 3),
    successors: [
      { id: 3, fromMs: at + 2 },
      { id: 2, fromMs: at + 1 },
    ],
  };
  const later = (ms: number) => ({ ...SAMPLE, admittedAt: at + ms });
  expect(signTicket(rotating, SAMPLE)).toBe(signTicket(before, SAMPLE));
  expect(signTicket(rotating, later(1))).toBe(signTicket(ring(2, 2), later(1)));
  expect(signTicket(rotating, later(2))).toBe(signTicket(ring(3, 3), later(2)));
  expect(signTicket(rotating, later(9_999_999))).toBe(signTicket(ring(3, 3), later(9_999_999)));
  for (const ms of [0, 1, 2]) expect(verifyTicket(rotating, signTicket(rotating, later(ms)))).toEqual(later(ms));
});

test('a key signed tickets of a time at which another one signs: an old key that was stolen made new tickets', () => {
  const at = SAMPLE.admittedAt;
  const rotated: TicketKeys = { ...ring(1, 1, 2), successors: [{ id: 2, fromMs: at }] };
  expect(verifyTicket(rotated, signTicket(ring(1, 1), SAMPLE))).toBeUndefined();
  expect(verifyTicket(rotated, signTicket(ring(1, 1), { ...SAMPLE, admittedAt: at - 1 }))).toBeDefined();
  // Nor does the new one sign for a time before it: whoever got hold of it early.
  expect(verifyTicket(rotated, signTicket(ring(2, 2), { ...SAMPLE, admittedAt: at - 1 }))).toBeUndefined();
});

test('a text from before tags were hidden is still a ticket', () => {
  // Signed by the code of format 1.
  const text = 'AQEAAQAAAAAAKgAAAAcBoxhcUAABsJ0R8aEiMqUyc6lzcHJpbmctc2FsZQ.SM70Mqmsi-xUGOmn9XxilA';
  expect(verifyTicket(KEYS, text)).toEqual(SAMPLE);
});
