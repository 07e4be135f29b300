import { expect, test } from 'vitest';
import { userTag } from '../../src/domain/ids.ts';
import type { Identity } from '../../src/http/public/caller.ts';
import { createIdentify } from '../../src/http/public/identity.ts';
import { limits } from '../../src/process/limits.ts';
import { until } from '../helpers/until.ts';
import { fronts } from './front.ts';
import {
  AUDIENCE,
  claimsOf,
  type IdentityProvider,
  ISSUER,
  type SigningKey,
  signingKey,
  startIdentityProvider,
  tokenBy,
} from './identity-provider.ts';

const [key, next] = await Promise.all([signingKey('ES256', 'one'), signingKey('ES256', 'two')]);
const file = fronts();

const sourceAt = (provider: IdentityProvider) => ({
  kind: 'jwt' as const,
  keys: provider.url,
  issuer: ISSUER,
  audience: AUDIENCE,
  algorithms: ['ES256'],
  clockToleranceSeconds: 5,
  userClaim: 'sub',
});

/** What identifies by this provider, on a clock that the test sets forward. */
function identifier(provider: IdentityProvider) {
  let aheadMs = 0;
  const errors: unknown[] = [];
  const deps = {
    clock: Date.now,
    now: () => performance.now() + aheadMs,
    onError: (error: unknown) => void errors.push(error),
  };
  const identify = createIdentify(sourceAt(provider), deps);
  const say = async (token: string): Promise<Identity['kind']> =>
    (await identify((name) => (name === 'authorization' ? `Bearer ${token}` : undefined))).kind;
  return {
    errors,
    say,
    identify,
    pass: (ms: number) => {
      aheadMs += ms;
    },
  };
}

let serial = 0;
/** A token nobody has seen. */
const fresh = (by: SigningKey, header = {}) => {
  serial += 1;
  return tokenBy(by, claimsOf(`user-${serial}`, { exp: Math.floor(Date.now() / 1_000) + 86_400 }), header);
};

test('the keys are fetched once, at the start, whatever comes', async (t) => {
  const provider = await startIdentityProvider(t, key);
  const { say } = identifier(provider);
  const tokens = await Promise.all(Array.from({ length: 50 }, () => fresh(key)));
  expect(new Set(await Promise.all(tokens.map(say)))).toEqual(new Set(['user']));
  expect(provider.fetchCount()).toBe(1);
});

test('5,000 made-up key ids in ten minutes make no more than two questions a minute', async (t) => {
  const provider = await startIdentityProvider(t, key);
  const { say, pass } = identifier(provider);
  expect(await say(await fresh(key))).toBe('user');
  const token = await fresh(key);
  const madeUp = (i: number) =>
    token.replace(/^[^.]+/, Buffer.from(JSON.stringify({ alg: 'ES256', kid: `made-up-${i}` })).toString('base64url'));
  const perMinute: number[] = [];
  for (let minute = 0; minute < 10; minute += 1) {
    const before = provider.fetchCount();
    for (let tenth = 0; tenth < 10; tenth += 1) {
      const told = await Promise.all(Array.from({ length: 50 }, (_, i) => say(madeUp(minute * 500 + tenth * 50 + i))));
      expect(new Set(told)).toEqual(new Set(['invalid']));
      pass(6_000);
    }
    perMinute.push(provider.fetchCount() - before);
  }
  expect(Math.max(...perMinute)).toBeLessThanOrEqual(2);
  // They are questions that a new key deserves: without any the test would prove nothing.
  expect(perMinute.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(5);
});

test('a new key is found when its first token comes, and the old one is dropped when it is withdrawn', async (t) => {
  const provider = await startIdentityProvider(t, key);
  const { say, pass } = identifier(provider);
  const old = await fresh(key);
  expect(await say(old)).toBe('user');
  provider.answer([next]);
  pass(limits.signingKeysCooldownMs);
  expect(await say(await fresh(next))).toBe('user');
  expect(await say(await fresh(key))).toBe('invalid');
  expect(await say(old)).toBe('user');
  pass(limits.signingKeysMaxAgeMs);
  expect(await say(old)).toBe('invalid');
});

test('while the provider is away its old keys go on being used, for hours, and it is not bothered', async (t) => {
  const provider = await startIdentityProvider(t, key);
  const { say, pass, errors } = identifier(provider);
  expect(await say(await fresh(key))).toBe('user');
  provider.answer('error');
  const before = provider.fetchCount();
  for (let minute = 0; minute < 180; minute += 1) {
    pass(60_000);
    expect(await say(await fresh(key))).toBe('user');
    expect(await say(await fresh(key, { kid: 'unknown' }))).toBe('invalid');
  }
  expect(provider.fetchCount() - before).toBeGreaterThan(100);
  expect(provider.fetchCount() - before).toBeLessThanOrEqual(360);
  await until('each failure was told', 2_000, () => errors.length === provider.fetchCount() - before);
  provider.answer([next]);
  pass(60_000);
  expect(await say(await fresh(next))).toBe('user');
});

test.for(['error', 'nonsense', 'no end', 'silence'] as const)(
  'a provider that answers with %s and never did better makes it unknown who asks, with few questions',
  async (how, t) => {
    const provider = await startIdentityProvider(t);
    provider.answer(how);
    const { say, pass, errors } = identifier(provider);
    const tokens = await Promise.all(Array.from({ length: 20 }, () => fresh(key)));
    expect(new Set(await Promise.all(tokens.map(say)))).toEqual(new Set(['unknown']));
    expect(new Set(await Promise.all(tokens.map(say)))).toEqual(new Set(['unknown']));
    expect(provider.fetchCount()).toBe(1);
    expect(errors).toHaveLength(1);
    provider.answer([key]);
    pass(limits.signingKeysRetryMs);
    expect(await say(tokens[0]!)).toBe('user');
  },
);

test('a join with a token nobody can check is a 503, one without a token a 401', async (t) => {
  const provider = await startIdentityProvider(t);
  provider.answer('error');
  const front = await file.start(t, { identity: sourceAt(provider) });
  const campaign = await front.create();
  const path = `/v1/campaigns/${campaign}/tickets`;
  const headers = { authorization: `Bearer ${await fresh(key)}` };
  const unknown = await front.ask(path, { method: 'POST', headers });
  expect([unknown.status, unknown.headers.get('www-authenticate')]).toEqual([503, null]);
  expect(unknown.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
  expect((await front.ask(path, { method: 'POST' })).status).toBe(401);
  const memory = (await front.campaigns.get(campaign))!;
  const admission = { kind: 'admitted' as const, seq: 1, unit: 1, admittedAt: Date.now() };
  const { ticket } = front.tickets.handOut(memory, admission, userTag(campaign, 'ann'));
  expect((await front.ask(`/v1/tickets/${ticket}`, { headers })).status).toBe(503);
  expect((await front.ask('/v1/tickets/x', { headers })).status).toBe(404);
});

test('a token that was checked is answered in the same turn, and only that very token', async (t) => {
  const provider = await startIdentityProvider(t, key);
  const { identify, say } = identifier(provider);
  const token = await fresh(key);
  const headerOf = (text: string) => (name: string) => (name === 'authorization' ? `Bearer ${text}` : undefined);
  expect(identify(headerOf(token))).toBeInstanceOf(Promise);
  expect(await say(token)).toBe('user');
  expect(identify(headerOf(token))).toMatchObject({ kind: 'user' });
  // The last character of an ES256 signature has two bits that mean nothing: another text, the same signature.
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const twin = token.slice(0, -1) + alphabet[alphabet.indexOf(token.at(-1)!) ^ 1];
  expect(identify(headerOf(twin))).toBeInstanceOf(Promise);
});

test('more tokens at a time than can be checked are told to come again, not refused for good', async (t) => {
  const provider = await startIdentityProvider(t, key);
  const { say } = identifier(provider);
  const tokens = [await fresh(key), await fresh(key)] as const;
  expect(await say(tokens[0])).toBe('user');
  const told = await Promise.all(Array.from({ length: limits.tokenChecksMax + 1 }, () => say(tokens[1])));
  expect(Map.groupBy(told, (kind) => kind).get('unknown')?.length).toBe(1);
});
