import { createHmac } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import type { JwtSource } from '../../src/http/public/jwt.ts';
import { fronts } from './front.ts';
import { AUDIENCE, claimsOf, ISSUER, type SigningKey, signingKey, tokenBy } from './identity-provider.ts';
import { bytesOf, type RawAnswer, type RawRequest, send } from './raw.ts';

const ALGORITHMS = ['ES256', 'RS256', 'EdDSA', 'PS256'];
const ours = await Promise.all(ALGORITHMS.map((alg) => signingKey(alg)));
const [es, rs] = ours as [SigningKey, SigningKey];
const stranger = await signingKey('ES256');
const source: JwtSource = {
  kind: 'jwt',
  keys: ours.map(({ publicJwk }) => publicJwk),
  issuer: ISSUER,
  audience: AUDIENCE,
  algorithms: ALGORITHMS.slice(0, 3),
  clockToleranceSeconds: 5,
  userClaim: 'sub',
};

const file = fronts();
const front = file.shared({ identity: source });
let path: string;
let port: number;

beforeAll(async () => {
  path = `/v1/campaigns/${await front().create({ stock: 1_000 })}/tickets`;
  port = Number(new URL(front().url).port);
});

const join = (headers: RawRequest['headers'] & object, at = path) =>
  send(port, bytesOf({ method: 'POST', path: at, headers }));
const joinAs = (token: string) => join([['authorization', `Bearer ${token}`]]);
const now = () => Math.floor(Date.now() / 1_000);
const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Signed with HMAC by a text that everybody knows. */
function hmacToken(secret: string | Buffer, header: object = {}): string {
  const text = `${encoded({ alg: 'HS256', typ: 'JWT', ...header })}.${encoded(claimsOf('mallory'))}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}

const es256 = (claims: Record<string, unknown>, header = {}) =>
  tokenBy(es, { ...claimsOf('mallory'), ...claims }, header);
const unsigned = (alg: string) => `${encoded({ alg, typ: 'JWT' })}.${encoded(claimsOf('mallory'))}.`;

const WRONG: Record<string, () => string | Promise<string>> = {
  'that is not signed': () => unsigned('none'),
  'that is not signed, in other letters': () => unsigned('nOnE'),
  'that is not signed, with a signature all the same': async () =>
    `${unsigned('none')}${(await es256({})).split('.')[2]}`,
  'without its signature': async () => (await es256({})).replace(/[^.]+$/, ''),
  'signed with the public key as a secret': () => hmacToken(rs.publicText, { kid: rs.kid }),
  'signed with the public key as a secret, without a line end': () => hmacToken(rs.publicText.trim(), { kid: rs.kid }),
  'signed with the public JWK as a secret': () => hmacToken(JSON.stringify(rs.publicJwk), { kid: rs.kid }),
  'signed with an empty secret': () => hmacToken('', { kid: '' }),
  'signed by a stranger under our kid': () => tokenBy({ ...stranger, kid: es.kid }, claimsOf('mallory')),
  'signed by a stranger under a kid of their own': () => tokenBy({ ...stranger, kid: 'x' }, claimsOf('mallory')),
  'whose kid is a path': () => hmacToken('', { kid: '../../../../dev/null' }),
  'whose kid is a URL': () => tokenBy({ ...stranger, kid: 'https://evil.example/key' }, claimsOf('mallory')),
  'whose kid is SQL': () => tokenBy({ ...stranger, kid: "' or 1=1--" }, claimsOf('mallory')),
  'whose kid is __proto__': () => tokenBy({ ...stranger, kid: '__proto__' }, claimsOf('mallory')),
  'that names its key set by jku': () => tokenBy(stranger, claimsOf('mallory'), { jku: 'http://127.0.0.1:9/' }),
  'that names its certificate by x5u': () => tokenBy(stranger, claimsOf('mallory'), { x5u: 'http://127.0.0.1:9/' }),
  'that brings its key': () => tokenBy(stranger, claimsOf('mallory'), { jwk: stranger.publicJwk as never }),
  'that brings its certificate': () => tokenBy(stranger, claimsOf('mallory'), { x5c: ['MIIB'] }),
  'of an algorithm that we have a key for and do not take': () => tokenBy(ours[3]!, claimsOf('mallory')),
  'of one key under the algorithm of another': () => tokenBy({ ...rs, kid: es.kid }, claimsOf('mallory')),
  'with an unknown critical header': () => hmacToken('x', { crit: ['x'], x: 1 }),
  'whose payload was altered': async () => (await es256({})).replace(/\.[^.]+\./, `.${encoded(claimsOf('ann'))}.`),
  'whose signature is another token’s': async () =>
    `${(await es256({})).replace(/[^.]+$/, '')}${(await tokenBy(es, claimsOf('eve'))).split('.')[2]}`,
  'that has expired': () => es256({ exp: now() - 6 }),
  'that is not valid yet': () => es256({ nbf: now() + 60 }),
  'that never expires': () => es256({ exp: undefined }),
  'that expires in words': () => es256({ exp: 'never' }),
  'that expires at null': () => es256({ exp: null }),
  'of nobody': () => es256({ sub: undefined }),
  'for another audience': () => es256({ aud: 'another' }),
  'for several other audiences': () => es256({ aud: ['another', 'a third'] }),
  'for no audience': () => es256({ aud: undefined }),
  'for an audience that is an object': () => es256({ aud: { [AUDIENCE]: true } }),
  'of another issuer': () => es256({ iss: 'https://evil.example/' }),
  'of several issuers': () => es256({ iss: [ISSUER] }),
  'of no issuer': () => es256({ iss: undefined }),
  'whose issuer nearly fits': () => es256({ iss: ISSUER.slice(0, -1) }),
  'of the type of a logout': () => es256({}, { typ: 'logout+jwt' }),
  'of the type of a proof': () => es256({}, { typ: 'dpop+jwt' }),
  'whose type is no text': () => es256({}, { typ: 5 as never }),
  'of 9 kB': () => es256({ more: 'a'.repeat(9_000) }),
  'that is encrypted': () => 'eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0..AAAA.AAAA.AAAA',
  'whose payload is no JSON': async () => (await es256({})).replace(/\.[^.]+\./, '.AAAA.'),
  'whose header is no JSON': async () => (await es256({})).replace(/^[^.]+/, 'AAAA'),
  'that is one dot': () => '.',
  'that is a ticket': () => 'AQE.AAAAAAAAAAAAAAAAAAAAAA',
};

let first: RawAnswer | undefined;

/** All alike: which part of a token is wrong helps only whoever makes them up. */
function expectWrong(answer: RawAnswer): void {
  const headers = { ...answer.headers };
  delete headers.date;
  expect([answer.status, headers['www-authenticate']]).toEqual([401, 'Bearer error="invalid_token"']);
  expect(headers['cache-control']).toBe('no-store');
  first ??= { ...answer, headers };
  expect({ ...answer, headers }).toEqual(first);
}

test.for(Object.entries(WRONG))('a token %s is a 401 like any other', async ([, make]) => {
  expectWrong(await joinAs(await make()));
});

test.for<[string, (token: string) => RawRequest['headers'] & object]>([
  [
    'in two headers',
    (token) => [
      ['authorization', `Bearer ${token}`],
      ['Authorization', `Bearer ${token}`],
    ],
  ],
  [
    'behind a wrong one',
    (token) => [
      ['authorization', 'Bearer x.y.z'],
      ['authorization', `Bearer ${token}`],
    ],
  ],
  [
    'before a wrong one',
    (token) => [
      ['authorization', `Bearer ${token}`],
      ['authorization', 'Bearer x.y.z'],
    ],
  ],
  ['of two in one header', (token) => [['authorization', `Bearer ${token}, Bearer ${token}`]]],
  ['without a scheme', (token) => [['authorization', token]]],
  ['of another scheme', (token) => [['authorization', `DPoP ${token}`]]],
  ['behind a tab', (token) => [['authorization', `Bearer\t${token}`]]],
  ['with a space inside', (token) => [['authorization', `Bearer ${token.replace('.', ' .')}`]]],
  ['in quotes', (token) => [['authorization', `Bearer "${token}"`]]],
  ['padded', (token) => [['authorization', `Bearer ${token}==`]]],
])('a good token %s is a 401 like any other', async ([, headersOf]) => {
  expectWrong(await join(headersOf(await tokenBy(es, claimsOf('ann')))));
});

test.for(['bearer', 'BEARER', 'Bearer ', 'bEaReR   '])('the scheme %j of a good token was a 401', async (scheme) => {
  const token = await tokenBy(es, claimsOf('of-a-scheme'));
  expect([202, 200]).toContain((await join([['authorization', `${scheme} ${token}`]])).status);
});

const NO_USER_IDS: Record<string, unknown> = {
  'a number': 5,
  'a list': ['mallory'],
  nothing: '',
  'a name with a control character': 'a\u0000b',
  'a name with a line end': 'a\r\nX-User-Id: ann',
  'a name with half a character': '\ud800',
  'a name of 129 bytes': 'a'.repeat(129),
};

test.for(Object.entries(NO_USER_IDS))(
  'a good token whose user is %s was "not valid": it hears what is wrong, at join and poll',
  async ([, sub]) => {
    const { body } = await front().ask(path, {
      method: 'POST',
      headers: { authorization: `Bearer ${await tokenBy(es, claimsOf('ann'))}` },
    });
    const authorization = `Bearer ${await es256({ sub })}`;
    for (const again of [1, 2]) {
      const asked = [
        await join([['authorization', authorization]]),
        await front().poll(body.ticket, { authorization }),
      ];
      expect([again, ...asked.map(({ status }) => status)]).toEqual([again, 401, 401]);
      const [{ headers, body: text }] = asked as [RawAnswer, unknown];
      expect(headers['www-authenticate']).toBe(
        'Bearer error="invalid_token", error_description="the claim sub is not a user id"',
      );
      expect((JSON.parse(text) as { detail: string }).detail).toMatch(
        /^The token is valid, but its claim "sub" is not a user id\. .*128 bytes/,
      );
    }
  },
);

test.for(['zoë', '홍길동', 'jürgen', 'ju\u0308rgen'])('the user %j of a good token joins', async (sub) => {
  const token = await es256({ sub });
  expect((await joinAs(token)).status).toBe(202);
  expect((await joinAs(token)).status).toBe(200);
});

test.for<[string, (token: string) => [RawRequest['headers'] & object, string?]]>([
  ['the query', (token) => [[], `?access_token=${token}`]],
  ['a cookie', (token) => [[['cookie', `token=${token}`]]]],
  ['another header', (token) => [[['x-access-token', token]]]],
])('a good token in %s is no token', async ([, place]) => {
  const [headers, query = ''] = place(await tokenBy(es, claimsOf('ann')));
  const answer = await join(headers, path + query);
  expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, 'Bearer']);
});

const GOOD: [string, () => Promise<string>][] = [
  ...ours
    .slice(0, 3)
    .map((key): [string, () => Promise<string>] => [`${key.alg}`, () => tokenBy(key, claimsOf(key.alg))]),
  ['without a type', () => es256({}, { typ: undefined })],
  ['of the type at+jwt', () => es256({}, { typ: 'at+jwt' })],
  ['of the type application/at+JWT', () => es256({}, { typ: 'application/at+JWT' })],
  ['for us among others', () => es256({ aud: ['another', AUDIENCE] })],
  ['that expired within the tolerance', () => es256({ exp: now() - 2 })],
  ['with claims nobody asked for', () => es256({ roles: ['x'], __proto__: { sub: 'ann' } })],
];
test.for(GOOD)('a token %s is good, the first time and the second', async ([, make]) => {
  const token = await make();
  expect([202, 200]).toContain((await joinAs(token)).status);
  expect((await joinAs(token)).status).toBe(200);
});

test('the user is the token’s, whatever else the request says', async () => {
  const ann = await tokenBy(es, claimsOf('ann'));
  const { body } = await front().ask(path, { method: 'POST', headers: { authorization: `Bearer ${ann}` } });
  for (const beside of [{ 'x-user-id': 'bob' }, { 'x-user-id': 'bob', 'x-gateway-secret': 'x' }]) {
    const headers = { authorization: `Bearer ${ann}`, ...beside };
    expect((await front().ask(path, { method: 'POST', headers })).body.ticket).toBe(body.ticket);
    expect((await front().poll(body.ticket, headers)).status).toBe(200);
  }
  expect((await front().ask(path, { method: 'POST', headers: { 'x-user-id': 'ann' } })).status).toBe(401);
});

test('an ID in another claim is taken from there, and a token without it is wrong', async (t) => {
  const other = await file.start(t, { identity: { ...source, userClaim: 'email' } });
  const at = `/v1/campaigns/${await other.create()}/tickets`;
  const ask = async (claims: Record<string, unknown>) => {
    const headers = { authorization: `Bearer ${await tokenBy(es, claimsOf('ann', claims))}` };
    return other.ask(at, { method: 'POST', headers });
  };
  const [one, two] = [await ask({ email: 'ann@example' }), await ask({ email: 'bob@example' })];
  expect([one.status, two.status]).toEqual([202, 202]);
  expect((await ask({})).status).toBe(401);
  expect((await ask({ email: 'ann@example', sub: undefined })).status).toBe(401);
});

test('a token that is known already is forgotten when it expires', async (t) => {
  const other = await file.start(t, { identity: { ...source, clockToleranceSeconds: 0 } });
  const at = `/v1/campaigns/${await other.create()}/tickets`;
  const headers = { authorization: `Bearer ${await tokenBy(es, claimsOf('ann', { exp: now() + 2 }))}` };
  expect((await other.ask(at, { method: 'POST', headers })).status).toBe(202);
  await expect.poll(async () => (await other.ask(at, { method: 'POST', headers })).status).toBe(401);
});

test('no wrong token was an error of ours', () => {
  expect(front().errors).toEqual([]);
});
