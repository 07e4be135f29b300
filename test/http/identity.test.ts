import { expect, test } from 'vitest';
import { createIdentify } from '../../src/http/public/identity.ts';
import { fronts } from './front.ts';
import { bytesOf, send } from './raw.ts';

const file = fronts();
const SECRET = 'a secret that only the gateway knows';

test('with a gateway secret the bare user header is refused, at the join and at the poll', async (t) => {
  const front = await file.start(t, { identity: { kind: 'gateway', secrets: [SECRET] } });
  const campaign = await front.create();
  const { ticket } = (await front.join(campaign, 'ann')).body;
  const path = `/v1/campaigns/${campaign}/tickets`;
  for (const gateway of [
    {},
    { 'x-gateway-secret': '' },
    { 'x-gateway-secret': `${SECRET}x` },
    { 'x-gateway-secret': 'x' },
  ]) {
    const headers = { 'x-user-id': 'ann', ...gateway } as Record<string, string>;
    const refused = await front.ask(path, { method: 'POST', headers });
    expect([refused.status, refused.body.type]).toEqual([401, 'urn:problem-type:sluice:unidentified']);
    expect(refused.text).not.toContain(SECRET);
    expect((await front.poll(ticket, headers)).status).toBe(404);
  }
  const trusted = { 'x-user-id': 'ann', 'x-gateway-secret': SECRET };
  expect((await front.poll(ticket, trusted)).status).toBe(200);
  expect((await front.poll(ticket, { ...trusted, 'x-user-id': 'bob' })).status).toBe(404);
  // A ticket is its bearer's where nobody says who asks.
  expect((await front.poll(ticket)).status).toBe(200);
});

test('while the secret changes the old one and the new one are both believed, and nothing made of the two', async (t) => {
  const [fresh, old] = ['the new secret of it', 'the old secret of it'];
  const front = await file.start(t, { identity: { kind: 'gateway', secrets: [fresh, old] } });
  const campaign = await front.create();
  const joined = async (secret: string) => {
    const headers = { 'x-user-id': 'ann', 'x-gateway-secret': secret };
    return (await front.ask(`/v1/campaigns/${campaign}/tickets`, { method: 'POST', headers })).status;
  };
  expect([await joined(fresh), await joined(old)]).toEqual([202, 200]);
  for (const wrong of [`${fresh},${old}`, `${fresh}, ${old}`, ',', '', fresh.slice(1), fresh + old]) {
    expect(await joined(wrong)).toBe(401);
  }
});

test('behind a gateway a bearer token means nothing', async (t) => {
  const front = await file.start(t, { identity: { kind: 'gateway', secrets: [SECRET] } });
  const campaign = await front.create();
  const joined = await front.join(campaign, 'ann', { authorization: 'Bearer x.y.z' });
  expect(joined.status).toBe(202);
  const path = `/v1/campaigns/${campaign}/tickets`;
  const alone = await front.ask(path, { method: 'POST', headers: { authorization: 'Bearer x.y.z' } });
  expect(alone.status).toBe(401);
});

test('without a secret the header alone says who asks', async (t) => {
  const front = await file.start(t);
  const campaign = await front.create();
  expect((await front.join(campaign, 'ann', { 'x-gateway-secret': 'whatever' })).status).toBe(202);
});

test('a gateway secret that is not ASCII was never believed', async (t) => {
  const secret = 'ein geheimes Schlüsselwort';
  const front = await file.start(t, { identity: { kind: 'gateway', secrets: [secret] } });
  const path = `/v1/campaigns/${await front.create()}/tickets`;
  const headers = [
    ['x-user-id', 'ann'] as const,
    ['x-gateway-secret', Buffer.from(secret).toString('latin1')] as const,
  ];
  expect((await send(Number(new URL(front.url).port), bytesOf({ method: 'POST', path, headers }))).status).toBe(202);
});

const DEPS = { clock: Date.now, onError: () => undefined };
const headersOf = (fields: Record<string, string>) => (name: string) => fields[name];

test.for([
  [{}, 'nobody'],
  [{ 'x-user-id': 'ann' }, 'user'],
  [{ 'x-user-id': 'a'.repeat(128) }, 'user'],
  [{ 'x-user-id': 'a'.repeat(129) }, 'invalid'],
  [{ 'x-user-id': '' }, 'invalid'],
  [{ 'x-user-id': ' ann' }, 'invalid'],
  [{ 'x-user-id': 'ann ' }, 'invalid'],
  [{ 'x-user-id': 'a\nb' }, 'invalid'],
  [{ 'x-user-id': 'a\u0000b' }, 'invalid'],
  // A byte for each character, as Node gives them: text of another encoding than UTF-8.
  [{ 'x-user-id': 'zoë' }, 'invalid'],
  [{ 'x-user-id': Buffer.from('zoë').toString('latin1') }, 'user'],
  [{ 'x-user-id': Buffer.from('가'.repeat(42)).toString('latin1') }, 'user'],
  [{ 'x-user-id': Buffer.from('가'.repeat(43)).toString('latin1') }, 'invalid'],
  [{ 'x-user-id': '\xed\xa0\x80' }, 'invalid'],
  [{ 'x-gateway-secret': 'x' }, 'nobody'],
] as [Record<string, string>, string][])('%j is %s', ([fields, kind]) => {
  expect(createIdentify({ kind: 'header' }, DEPS)(headersOf(fields))).toMatchObject({ kind });
});

// Node joins headers of one name, and an id may hold a comma: behind a gateway that adds its header to the client's
// instead of replacing it, one user would be as many as they like.
test('two user headers are refused', async (t) => {
  const front = await file.start(t);
  const port = Number(new URL(front.url).port);
  const path = `/v1/campaigns/${await front.create()}/tickets`;
  const headers = [['x-user-id', 'made-up'] as const, ['x-user-id', 'ann'] as const];
  expect((await send(port, bytesOf({ method: 'POST', path, headers }))).status).toBe(401);
});
