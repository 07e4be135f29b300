// Tokens that nobody signed, sent in numbers: what they cost is borne by their own address, not by other buyers.
import { expect, test } from 'vitest';
import type { Identity } from '../../src/http/public/caller.ts';
import { createIdentify } from '../../src/http/public/identity.ts';
import type { JwtSource } from '../../src/http/public/jwt.ts';
import { limits } from '../../src/process/limits.ts';
import { until } from '../helpers/until.ts';
import { fronts } from '../http/front.ts';
import {
  AUDIENCE,
  claimsOf,
  ISSUER,
  type SigningKey,
  signingKey,
  startIdentityProvider,
  tokenBy,
} from '../http/identity-provider.ts';

const [key, stranger] = await Promise.all([signingKey('ES256', 'ours'), signingKey('ES256', 'ours')]);
const file = fronts();

const sourceOf = (keys: JwtSource['keys']): JwtSource => ({
  kind: 'jwt',
  keys,
  issuer: ISSUER,
  audience: AUDIENCE,
  algorithms: ['ES256'],
  clockToleranceSeconds: 5,
  userClaim: 'sub',
});

let serial = 0;
const fresh = (by: SigningKey, header = {}): Promise<string> => {
  serial += 1;
  return tokenBy(by, claimsOf(`user-${serial}`, { exp: Math.floor(Date.now() / 1_000) + 86_400 }), header);
};

/** The same token under ever new signatures: to make one costs an attacker nothing. */
const malleated = (token: string, i: number): string =>
  token.replace(/[^.]+$/, Buffer.alloc(64, `${i} `).toString('base64url'));

function identifier(keys: JwtSource['keys']) {
  let aheadMs = 0;
  const clock = () => Date.now() + aheadMs;
  const now = () => performance.now() + aheadMs;
  const identify = createIdentify(sourceOf(keys), { clock, now, onError: () => undefined });
  return {
    say: async (token: string, address?: string): Promise<Identity> =>
      identify(
        (name) => (name === 'authorization' ? `Bearer ${token}` : undefined),
        () => address,
      ),
    pass: (ms: number) => {
      aheadMs += ms;
    },
  };
}

const kinds = (identities: Identity[]): Record<string, number> =>
  Object.fromEntries(
    Map.groupBy(identities, ({ kind }) => kind)
      .entries()
      .map(([kind, list]) => [kind, list.length]),
  );

test('an address that forges signatures is refused unseen beyond its quota; known tokens and other addresses pass', async () => {
  const { say, pass } = identifier([key.publicJwk]);
  const known = await fresh(key);
  expect((await say(known, '203.0.113.1')).kind).toBe('user');
  const base = await fresh(stranger);
  const answers: Identity[] = [];
  for (let i = 0; i < limits.forgedTokensPerAddress + 50; i += 1)
    answers.push(await say(malleated(base, i), '203.0.113.1'));
  expect(kinds(answers)).toEqual({ invalid: limits.forgedTokensPerAddress, limited: 50 });
  expect(answers.at(-1)).toMatchObject({ quota: { name: 'forged-tokens-per-address' } });
  expect((await say(known, '203.0.113.1')).kind).toBe('user');
  expect((await say(await fresh(key), '203.0.113.1')).kind).toBe('limited');
  // Also one that no signature could make good: its claims are not read.
  const old = await tokenBy(key, claimsOf('ann', { exp: Math.floor(Date.now() / 1_000) - 60 }));
  expect([(await say(old, '203.0.113.1')).kind, (await say(old, '203.0.113.2')).kind]).toEqual(['limited', 'invalid']);
  expect((await say(await fresh(key), '203.0.113.2')).kind).toBe('user');
  pass(limits.clientWindowSeconds * 1_000);
  expect((await say(await fresh(key), '203.0.113.1')).kind).toBe('user');
});

test('key ids that nobody has, made up by one address, are counted as forgeries', async () => {
  const { say } = identifier([key.publicJwk, { ...key.publicJwk, kid: 'another' }]);
  const answers: Identity[] = [];
  for (let i = 0; i < limits.forgedTokensPerAddress + 5; i += 1) {
    answers.push(await say(await fresh(stranger, { kid: `made-up-${i}` }), '203.0.113.1'));
  }
  expect(kinds(answers)).toEqual({ invalid: limits.forgedTokensPerAddress, limited: 5 });
});

test('expired tokens and those of another audience cost no check and are no forgery: neighbours join all the same', async () => {
  const { say } = identifier([key.publicJwk]);
  const old = await tokenBy(key, claimsOf('ann', { exp: Math.floor(Date.now() / 1_000) - 60 }));
  const foreign = await tokenBy(key, claimsOf('ann', { aud: 'another' }));
  const count = limits.tokenChecksMax * 2;
  // All at once: were they checked, there would be no place for more than half of them.
  const answers = await Promise.all(
    Array.from({ length: count }, (_, i) => say(malleated(i % 2 ? old : foreign, i), '203.0.113.1')),
  );
  expect(kinds(answers)).toEqual({ invalid: count });
  expect((await say(await fresh(key), '203.0.113.1')).kind).toBe('user');
});

test('while a slow provider is asked for made-up key ids, tokens of known keys are checked', async (t) => {
  const provider = await startIdentityProvider(t, key);
  const { say, pass } = identifier(provider.url);
  expect((await say(await fresh(key))).kind).toBe('user');
  pass(limits.signingKeysCooldownMs + 1);
  provider.answer('silence');
  const base = await fresh(stranger, { kid: 'made-up' });
  const made = Array.from({ length: limits.tokenChecksMax * 2 }, (_, i) => say(malleated(base, i)));
  await until('the provider was asked', 60_000, () => provider.fetchCount() === 2);
  const honest = await Promise.all(Array.from({ length: 24 }, async () => say(await fresh(key))));
  expect(kinds(honest)).toEqual({ user: 24 });
  // The provider hears of it once, however many ask, and all of them get an answer.
  expect(kinds(await Promise.all(made))).toEqual({ invalid: limits.tokenChecksMax * 2 });
  expect(provider.fetchCount()).toBe(2);
});

test('made-up key ids of one address waited in numbers for a slow provider; now few of them do, and others wait as ever', async (t) => {
  const provider = await startIdentityProvider(t, key);
  const { say, pass } = identifier(provider.url);
  const known = await fresh(key);
  expect((await say(known, '203.0.113.1')).kind).toBe('user');
  pass(limits.signingKeysCooldownMs + 1);
  provider.answer('silence');
  const base = await fresh(stranger, { kid: 'made-up' });
  const count = limits.tokensWaitingPerAddress;
  const made = Array.from({ length: count + 50 }, (_, i) => say(malleated(base, i), '203.0.113.1'));
  await until('the provider was asked', 60_000, () => provider.fetchCount() === 2);
  expect((await say(known, '203.0.113.1')).kind).toBe('user');
  expect(await say(await fresh(key), '203.0.113.1')).toMatchObject({
    kind: 'limited',
    quota: { name: 'waiting-tokens-per-address' },
  });
  expect((await say(await fresh(key), '203.0.113.2')).kind).toBe('user');
  expect(kinds(await Promise.all(made))).toEqual({ invalid: count, limited: 50 });
  // Nothing waits any more: all that waited were forgeries.
  expect((await say(malleated(base, -1), '203.0.113.2')).kind).toBe('invalid');
  expect((await say(await fresh(key), '203.0.113.1')).kind).toBe('limited');
  pass(limits.clientWindowSeconds * 1_000);
  expect((await say(await fresh(key), '203.0.113.1')).kind).toBe('user');
});

test('forged tokens on the ticket routes are counted by address, and a made-up ticket gets no token checked', async (t) => {
  const front = await file.start(t, { identity: sourceOf([key.publicJwk]), trustedProxies: ['127.0.0.1'] });
  const campaign = await front.create({ stock: 10 });
  const as = (token: string, address: string) => ({
    authorization: `Bearer ${token}`,
    'x-forwarded-for': address,
  });
  const known = await fresh(key);
  const joined = await front.ask(`/v1/campaigns/${campaign}/tickets`, {
    method: 'POST',
    headers: as(known, '203.0.113.9'),
  });
  const path = `/v1/tickets/${joined.body.ticket}`;
  const base = await fresh(stranger);
  const flood = async (at: string, method: string, count: number) => {
    const statuses: number[] = [];
    for (let i = 0; i < count; i += 1) {
      const answer = await front.ask(at, { method, headers: as(malleated(base, i), '203.0.113.9') });
      statuses.push(answer.status);
    }
    return statuses.filter((status, i) => i === 0 || status !== statuses[i - 1]);
  };
  const count = limits.forgedTokensPerAddress;
  expect(await flood('/v1/tickets/made-up', 'GET', count + 10)).toEqual([404]);
  expect(await flood(path, 'GET', count / 2)).toEqual([401]);
  expect(await flood(path, 'DELETE', count / 2 + 10)).toEqual([401, 429]);
  expect((await front.ask(path, { headers: as(known, '203.0.113.9') })).status).toBe(200);
  expect((await front.ask(path, { headers: as(await fresh(key), '203.0.113.10') })).status).toBe(404);
});
