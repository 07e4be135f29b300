import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { ConfigError, readConfig } from '../../src/config/config.ts';

const jwkOf = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength });
const rsa = jwkOf(2_048);
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' });
const keySet = (...keys: object[]) => JSON.stringify({ keys });

const JWT = { JWT_JWKS_URL: 'https://id.example/keys', JWT_ISSUER: 'https://id.example/', JWT_AUDIENCE: 'sluice' };
const SECRETS = {
  SLUICE_PROFILE: 'production',
  REDIS_URL: 'redis://redis',
  DATABASE_URL: 'mysql://mysql/sluice',
  ADMIN_TOKEN: 'an-operators-token',
  COUPON_KEY: 'c0'.repeat(32),
  TICKET_KEYS: `1:${'7e'.repeat(32)}`,
};

function problemsOf(environment: Record<string, string>): string {
  try {
    readConfig(environment, { identity: true });
    return '';
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
}

test.for<[string, Record<string, string>, object]>([
  ['nothing', {}, { kind: 'header' }],
  ['a secret', { GATEWAY_SECRET: 'a'.repeat(16) }, { kind: 'gateway', secrets: ['a'.repeat(16)] }],
  [
    'two secrets',
    { GATEWAY_SECRET: `${'a'.repeat(16)}, ${'b'.repeat(16)}` },
    { kind: 'gateway', secrets: ['a'.repeat(16), 'b'.repeat(16)] },
  ],
  ['the address of keys', JWT, { kind: 'jwt', algorithms: ['ES256', 'RS256', 'EdDSA'], userClaim: 'sub' }],
  [
    'keys',
    {
      ...JWT,
      JWT_JWKS_URL: '',
      JWT_KEYS: keySet(ec, rsa.publicKey.export({ format: 'jwk' })),
      JWT_ALGORITHMS: 'PS256',
    },
    { kind: 'jwt', issuer: 'https://id.example/', audience: 'sluice', algorithms: ['PS256'] },
  ],
])('with %s set, identity is %o', ([, environment, identity]) => {
  expect(readConfig(environment, { identity: true }).identity).toMatchObject(identity);
});

test.for<[string, Record<string, string>, RegExp]>([
  ['two sources at once', { ...JWT, GATEWAY_SECRET: 'a'.repeat(16) }, /only one/],
  ['keys and their address', { ...JWT, JWT_KEYS: keySet(ec) }, /only one/],
  ['keys without an issuer', { ...JWT, JWT_ISSUER: '' }, /JWT_ISSUER: .* need it/],
  ['keys without an audience', { ...JWT, JWT_AUDIENCE: '' }, /JWT_AUDIENCE: .* need it/],
  ['an issuer without keys', { JWT_ISSUER: 'https://id.example/' }, /JWT_ISSUER: has no effect/],
  ['the algorithm none', { ...JWT, JWT_ALGORITHMS: 'none' }, /JWT_ALGORITHMS: takes a list of ES256/],
  [
    'an algorithm of a shared secret',
    { ...JWT, JWT_ALGORITHMS: 'ES256,HS256' },
    /JWT_ALGORITHMS: takes a list of ES256/,
  ],
  ['a generous clock', { ...JWT, JWT_CLOCK_TOLERANCE_SECONDS: '31' }, /JWT_CLOCK_TOLERANCE_SECONDS: /],
  ['keys in a file', { ...JWT, JWT_JWKS_URL: 'file:///etc/keys.json' }, /JWT_JWKS_URL: takes https/],
  ['a password for keys', { ...JWT, JWT_JWKS_URL: 'https://a:canary@id.example/' }, /takes no user/],
  [
    'keys on the open road',
    { ...SECRETS, ...JWT, JWT_JWKS_URL: 'http://id.example/' },
    /takes https:\/\/ in production/,
  ],
  [
    'a private key',
    { ...JWT, JWT_JWKS_URL: '', JWT_KEYS: keySet(rsa.privateKey.export({ format: 'jwk' })) },
    /JWT_KEYS/,
  ],
  ['a shared key', { ...JWT, JWT_JWKS_URL: '', JWT_KEYS: keySet({ kty: 'oct', k: 'canary' }) }, /JWT_KEYS: takes/],
  ['a short key', { ...JWT, JWT_KEYS: keySet(jwkOf(1_024).publicKey.export({ format: 'jwk' })) }, /JWT_KEYS: takes/],
  ['half a key set', { ...JWT, JWT_JWKS_URL: '', JWT_KEYS: '{"keys":[canary' }, /JWT_KEYS: takes/],
  ['an empty key set', { ...JWT, JWT_JWKS_URL: '', JWT_KEYS: keySet() }, /JWT_KEYS: takes/],
  ['a short secret', { GATEWAY_SECRET: `${'a'.repeat(16)},canary` }, /GATEWAY_SECRET: takes at least 16/],
  ['three secrets', { GATEWAY_SECRET: Array(3).fill('canary-canary-canary').join(',') }, /GATEWAY_SECRET: takes one/],
  [
    'one token for both roles',
    { ADMIN_TOKEN: 'canary-canary-canary', ADMIN_READ_TOKEN: 'canary-canary-canary' },
    /every reader could make changes/,
  ],
  ['a read token that is none', { ADMIN_READ_TOKEN: 'canary' }, /ADMIN_READ_TOKEN: takes/],
  ['a proxy that is a name', { TRUSTED_PROXIES: '10.0.0.0/8,proxy.example' }, /TRUSTED_PROXIES: takes/],
  ['everybody a proxy', { TRUSTED_PROXIES: '0.0.0.0/0' }, /TRUSTED_PROXIES: takes/],
  ['everybody a proxy, in IPv6', { TRUSTED_PROXIES: '::/0' }, /TRUSTED_PROXIES: takes/],
  ['a network that is too narrow', { TRUSTED_PROXIES: '10.0.0.0/33' }, /TRUSTED_PROXIES: takes/],
  ['a network of a network', { TRUSTED_PROXIES: '10.0.0.0/8/8' }, /TRUSTED_PROXIES: takes/],
])('%s is refused at the start, and no value is told', ([, environment, problem]) => {
  const told = problemsOf(environment);
  expect(told).toMatch(problem);
  expect(told).not.toContain('canary');
});

test('a production without any source of identity is refused; with one it is not', () => {
  expect(problemsOf(SECRETS)).toMatch(/GATEWAY_SECRET: .* set GATEWAY_SECRET, JWT_JWKS_URL or JWT_KEYS/);
  expect(problemsOf({ ...SECRETS, GATEWAY_SECRET: 'a'.repeat(16) })).toBe('');
  expect(problemsOf({ ...SECRETS, ...JWT })).toBe('');
  // A worker answers nobody.
  expect(() => readConfig(SECRETS, {})).not.toThrow();
});
