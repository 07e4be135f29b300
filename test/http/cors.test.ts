// What a browser asks and needs to hear before a page of another origin may join and poll, by raw HTTP.
import { beforeAll, expect, test } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { fronts } from './front.ts';
import { bytesOf, type RawAnswer, type RawRequest, send } from './raw.ts';

const SHOP = 'https://shop.example';
const file = fronts();
const front = file.shared({ corsOrigins: [SHOP, 'http://localhost:3000'], pollsPerSecond: 1 });
let campaign: string;
let joinPath: string;

beforeAll(async () => {
  campaign = await front().create();
  joinPath = `/v1/campaigns/${campaign}/tickets`;
});

type Fields = RawRequest['headers'] & object;
const port = (url: string) => Number(new URL(url).port);
const ask = (method: string, path: string, headers: Fields = [], at = front().url): Promise<RawAnswer> =>
  send(port(at), bytesOf({ method, path, headers }));
const from = (origin: string, ...more: Fields): Fields => [['Origin', origin], ...more];
const preflight = (origin: string, method = 'POST', more: Fields = []): Fields => [
  ['Origin', origin],
  ['Access-Control-Request-Method', method],
  ...more,
];
const namesIn = (list: string | undefined) => (list ?? '').split(',').map((name) => name.trim());
const corsNames = ({ headers }: RawAnswer) => Object.keys(headers).filter((name) => name.startsWith('access-control-'));

test('a page of another origin could not join: the preflight of its join was a 405', async () => {
  const before = front().questionCount();
  const wanted: Fields = [['Access-Control-Request-Headers', 'authorization,prefer,traceparent,x-user-id']];
  const { status, headers, body } = await ask('OPTIONS', joinPath, preflight(SHOP, 'POST', wanted));
  expect([status, body]).toEqual([204, '']);
  expect(headers['access-control-allow-origin']).toBe(SHOP);
  expect(namesIn(headers['access-control-allow-methods'])).toEqual(['GET', 'POST', 'DELETE']);
  expect(namesIn(headers['access-control-allow-headers'])).toEqual(
    expect.arrayContaining([
      'accept',
      'authorization',
      'content-type',
      'last-event-id',
      'prefer',
      'traceparent',
      'x-user-id',
    ]),
  );
  expect(Number(headers['access-control-max-age'])).toBeGreaterThanOrEqual(600);
  expect(headers.vary).toMatch(/\borigin\b/i);
  expect(headers).toMatchObject({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
  expect(front().questionCount()).toBe(before);
});

test('preflights are answered when joins are refused by the limits', async (t) => {
  const busy = await file.start(t, { corsOrigins: [SHOP], joinsPerSecond: 1 });
  const at = `/v1/campaigns/${await busy.create()}/tickets`;
  const joining = from(SHOP, ['X-User-Id', 'ann']);
  await expect.poll(async () => (await ask('POST', at, joining, busy.url)).status, { timeout: 60_000 }).toBe(429);
  expect((await ask('OPTIONS', at, preflight(SHOP), busy.url)).status).toBe(204);
  const refused = await ask('POST', at, joining, busy.url);
  expect(refused.headers).toMatchObject({ 'access-control-allow-origin': SHOP, vary: 'origin' });
  for (const name of ['retry-after', 'ratelimit', 'ratelimit-policy']) {
    expect(refused.headers[name]).toBeDefined();
    expect(namesIn(refused.headers['access-control-expose-headers'])).toContain(name);
  }
});

test('the page may read every answer and the headers that it needs', async () => {
  const joined = await ask('POST', joinPath, from(SHOP, ['X-User-Id', 'reader']));
  expect(joined.status).toBe(202);
  const { ticket } = JSON.parse(joined.body) as { ticket: string };
  const path = `/v1/tickets/${ticket}`;
  const answers: [number, RawAnswer][] = [
    [202, joined],
    [200, await ask('POST', joinPath, from(SHOP, ['X-User-Id', 'reader']))],
    [200, await ask('GET', `/v1/campaigns/${campaign}`, from(SHOP))],
    [200, await ask('GET', path, from(SHOP))],
    [429, await ask('GET', path, from(SHOP))],
    [404, await ask('GET', '/v1/tickets/x', from(SHOP))],
    [404, await ask('GET', '/nowhere', from(SHOP))],
    [405, await ask('DELETE', joinPath, from(SHOP))],
    [401, await ask('POST', joinPath, from(SHOP))],
    [
      413,
      await send(
        port(front().url),
        bytesOf({ method: 'POST', path: joinPath, headers: from(SHOP), body: 'a'.repeat(5_000) }),
      ),
    ],
  ];
  for (const [status, answer] of answers) {
    expect(answer.status).toBe(status);
    expect(answer.headers).toMatchObject({ 'access-control-allow-origin': SHOP, vary: 'origin' });
    expect(namesIn(answer.headers['access-control-expose-headers'])).toEqual(
      expect.arrayContaining(['location', 'retry-after', 'ratelimit', 'ratelimit-policy', 'traceparent']),
    );
    expect(answer.headers).not.toHaveProperty('access-control-allow-credentials');
  }
});

test('the page may read an event stream and a 503', async (t) => {
  const own = await file.start(t, { corsOrigins: [SHOP] });
  const id = await own.create();
  const { ticket } = (await own.join(id, 'ann')).body;
  const streaming = fetch(`${own.url}/v1/tickets/${ticket}`, {
    headers: { origin: SHOP, accept: 'text/event-stream' },
  });
  const { headers, body } = await streaming;
  expect(headers.get('content-type')).toContain('text/event-stream');
  expect([headers.get('access-control-allow-origin'), headers.get('vary')]).toEqual([SHOP, 'origin']);
  await body?.cancel();
  await own.admin('POST', `/admin/campaigns/${id}/pause`);
  const joining = () => ask('POST', `/v1/campaigns/${id}/tickets`, from(SHOP, ['X-User-Id', 'bob']), own.url);
  await expect.poll(async () => (await joining()).status, { timeout: 60_000 }).toBe(503);
  expect((await joining()).headers).toMatchObject({ 'access-control-allow-origin': SHOP, vary: 'origin' });
});

test.for([
  'null',
  '*',
  'https://shop.example.evil',
  'https://evil.example',
  'http://shop.example',
  `${SHOP}:8443`,
  `${SHOP}/`,
])('a page of the origin %s may neither ask nor read', async (origin) => {
  const asked = await ask('OPTIONS', joinPath, preflight(origin));
  expect([asked.status, corsNames(asked)]).toEqual([405, []]);
  const joined = await ask('POST', joinPath, from(origin, ['X-User-Id', 'stranger']));
  expect(corsNames(joined)).toEqual([]);
  expect([asked.headers.vary, joined.headers.vary]).toEqual(['origin', 'origin']);
});

test('a cache that has the campaign for nobody in particular does not give it to a page', async () => {
  const { headers } = await ask('GET', `/v1/campaigns/${campaign}`);
  expect(headers).toMatchObject({ 'cache-control': 'public, max-age=1', vary: 'origin' });
  expect(corsNames({ status: 200, headers, body: '' })).toEqual([]);
});

test('the admin port answers no page, and no port does unless origins are set', async (t) => {
  const off = await file.start(t);
  const asked = [
    await ask('OPTIONS', '/admin/campaigns', preflight(SHOP), front().adminUrl),
    await ask('GET', '/admin/campaigns', from(SHOP), front().adminUrl),
    await ask('GET', '/livez', from(SHOP), front().adminUrl),
    await ask('OPTIONS', '/v1/campaigns/x/tickets', preflight(SHOP), off.url),
    await ask('GET', '/livez', from(SHOP), off.url),
    await ask('GET', '/v1/campaigns/x', from(SHOP), off.url),
  ];
  expect(asked.flatMap(corsNames)).toEqual([]);
  expect(asked.map(({ headers }) => headers.vary)).toEqual(asked.map(() => undefined));
});

test('a setting takes exact origins, and says what else it found', () => {
  const originsOf = (text: string) => readConfig({ CORS_ORIGINS: text }).corsOrigins;
  expect(originsOf('')).toEqual([]);
  expect(originsOf(`${SHOP}, http://localhost:3000`)).toEqual([SHOP, 'http://localhost:3000']);
  for (const wrong of [
    '*',
    'null',
    `${SHOP}/`,
    `${SHOP}/sale`,
    'shop.example',
    `${SHOP}:443`,
    'https://Shop.example',
    `${SHOP},`,
    'file://',
    'https://*.shop.example',
  ]) {
    expect(() => originsOf(wrong), wrong).toThrow(/CORS_ORIGINS: takes origins as browsers send them/);
  }
});
