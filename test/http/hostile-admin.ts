// Hostile requests for the admin listener: credentials, bodies, fields, keys.
import { TOKEN } from './front.ts';
import { type Fields, type HostilePlace, type HostileRow, shown } from './hostile.ts';
import type { RawRequest } from './raw.ts';

const AUTHORIZED = ['authorization', `Bearer ${TOKEN}`] as const;
const JSON_TYPE = ['content-type', 'application/json'] as const;

const onAdmin = (rows: Omit<HostileRow, 'to'>[]): HostileRow[] => rows.map((row) => ({ ...row, to: 'admin' }));

const CREDENTIALS: [string, readonly number[], Fields][] = [
  ['no token', [401], []],
  ['an empty Authorization', [401], [['authorization', '']]],
  ['an empty bearer', [400, 401], [['authorization', 'Bearer ']]],
  ['a wrong token', [401], [['authorization', 'Bearer wrong']]],
  ['a token cut short', [401], [['authorization', `Bearer ${TOKEN.slice(0, -1)}`]]],
  ['a token with more', [401], [['authorization', `Bearer ${TOKEN}x`]]],
  ['a token in upper case', [401], [['authorization', `Bearer ${TOKEN.toUpperCase()}`]]],
  ['a token of 8 kB', [401], [['authorization', `Bearer ${'a'.repeat(8_000)}`]]],
  ['two tokens in one header', [400, 401], [['authorization', `Bearer x, Bearer ${TOKEN}`]]],
  ['a wrong token before the right one', [400, 401], [['authorization', 'Bearer x'], AUTHORIZED]],
  ['Basic credentials', [400, 401], [['authorization', 'Basic eDp5']]],
  ['the token without its scheme', [400, 401], [['authorization', TOKEN]]],
  ['the token in a cookie', [401], [['cookie', `token=${TOKEN}`]]],
  ['the token in another header', [401], [['x-admin-token', TOKEN]]],
  ['a user of the front', [401], [['x-user-id', 'ann']]],
];
const credentials = onAdmin(
  CREDENTIALS.map(([name, statuses, headers]) => ({
    name: `the admin API with ${name}`,
    statuses,
    request: () => ({ path: '/admin/campaigns', headers }),
  })),
);

const UNAUTHORIZED: [string, RawRequest, readonly number[]][] = [
  ['the token in the query', { path: `/admin/campaigns?access_token=${TOKEN}` }, [401]],
  ['a path in other words', { path: '/%61dmin/campaigns' }, [401]],
  ['a dotted path', { path: '/./admin/campaigns' }, [400]],
  ['a doubled slash', { path: '//admin/campaigns' }, [404]],
  ['a path in upper case', { path: '/ADMIN/campaigns' }, [404]],
  ['an unknown path', { path: '/admin/nothing' }, [401]],
  ['a wrong method', { method: 'DELETE', path: '/admin/campaigns' }, [401]],
  [
    'a form of another site',
    {
      method: 'POST',
      path: '/admin/campaigns',
      headers: [
        ['origin', 'https://evil.example'],
        ['content-type', 'application/x-www-form-urlencoded'],
      ],
      body: 'id=evil&stock=1',
    },
    [401],
  ],
  [
    'a preflight of another site',
    {
      method: 'OPTIONS',
      path: '/admin/campaigns',
      headers: [
        ['origin', 'https://evil.example'],
        ['access-control-request-method', 'POST'],
      ],
    },
    [401, 404, 405],
  ],
];
const unauthorized = onAdmin(
  UNAUTHORIZED.map(([name, request, statuses]) => ({ name, statuses, request: () => request })),
);

const create =
  (body: string | Buffer, headers: Fields = [AUTHORIZED, JSON_TYPE]) =>
  (): RawRequest => ({ method: 'POST', path: '/admin/campaigns', headers, body });

const BODIES: [string, readonly number[], string | Buffer][] = [
  ['nothing', [400], ''],
  ['half of an object', [400], '{"id":"a"'],
  ['a trailing comma', [400], '{"id":"a","stock":1,}'],
  ['single quotes', [400], "{'id':'a'}"],
  ['NaN', [400], '{"id":"a","stock":NaN}'],
  ['a comment', [400], '{"id":"a"/*x*/}'],
  ['a hex number', [400], '{"id":"a","stock":0x10}'],
  ['two objects', [400], '{}{}'],
  ['bytes that are no UTF-8 outside a string', [400], Buffer.from([0x7b, 0xff, 0xfe, 0x7d])],
  ['gzip bytes', [400], Buffer.from('1f8b0800000000000003', 'hex')],
  ['a raw line end in a string', [400], '{"id":"a\nb"}'],
  ['null', [422], 'null'],
  ['a number', [422], '5'],
  ['a string', [422], '"x"'],
  ['an array', [422], '[{"id":"a","stock":1}]'],
  ['2,000 nested arrays', [422], '['.repeat(2_000) + ']'.repeat(2_000)],
  ['600 nested objects', [422], `${'{"a":'.repeat(600)}1${'}'.repeat(600)}`],
  ['an empty object', [422], '{}'],
  ['5 kB', [413], `{"id":"a","stock":1,"name":"${'a'.repeat(5_000)}"}`],
  ['1 MB', [413], 'a'.repeat(1_000_000)],
];
const bodies = onAdmin([
  ...BODIES.map(([name, statuses, body]) => ({ name: `a campaign made of ${name}`, statuses, request: create(body) })),
  {
    name: 'a campaign made of 10 kB in chunks',
    statuses: [413],
    request: create(`2710\r\n${'a'.repeat(10_000)}\r\n0\r\n\r\n`, [
      AUTHORIZED,
      JSON_TYPE,
      ['Transfer-Encoding', 'chunked'],
    ]),
  },
  ...[
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/jsonp',
    'text/json',
    'json',
    ';',
    'application/vnd.api+json',
  ].map((type) => ({
    name: `a campaign as ${type}`,
    statuses: [415],
    request: create('{"id":"a","stock":1}', [AUTHORIZED, ['content-type', type]]),
  })),
  { name: 'a campaign of no declared type', statuses: [415], request: create('{"id":"a","stock":1}', [AUTHORIZED]) },
]);

const FIELDS: string[] = [
  '"stock":0',
  '"stock":-1',
  '"stock":1.5',
  '"stock":"5"',
  '"stock":true',
  '"stock":null',
  '"stock":[5]',
  '"stock":{"$gt":0}',
  '"stock":1e400',
  '"stock":-1e400',
  '"stock":9007199254740993',
  '"stock":10000001',
  '"stock":1,"burst":0',
  '"stock":1,"shards":65',
  '"stock":1,"shards":0',
  '"stock":1,"ratePerSecond":-0.1',
  '"stock":1,"ratePerSecond":1000001',
  '"stock":1,"backlogMax":"all"',
  '"stock":1,"name":5',
  `"stock":1,"name":"${'a'.repeat(201)}"`,
  '"stock":1,"opensAt":"tomorrow"',
  '"stock":1,"opensAt":1798102800000',
  '"stock":1,"opensAt":"2026-02-30T00:00:00Z"',
  '"stock":1,"opensAt":"2026-12-24"',
  '"stock":1,"opensAt":"0000-01-01T00:00:00Z"',
  '"stock":1,"opensAt":"1969-12-31T23:59:59Z"',
  '"stock":1,"closesAt":"9999-12-31T23:59:59.999-10:00"',
  '"stock":1,"opensAt":"1970-06-01T00:00:00Z"',
  '"stock":1,"name":"\\ud800"',
  '"stock":1,"name":"a\\u0000b"',
  '"stock":1,"name":"\\u001b[31m"',
  '"stock":1,"unknown":1',
  '"stock":1,"Stock":1',
  '"stock":1,"state":"closed"',
  '"stock":1,"version":99',
  '"stock":1,"__proto__":{"stock":5}',
  '"stock":1,"constructor":{"prototype":{}}',
  '"stock":1,"toString":"x"',
];
const IDS = ['', 'A', '-a', 'a'.repeat(64), 'a b', '{x}', 'a:b', '../a', 'ünï', 'a\\u0000', '%2e', 'a\\n'];
const fields = onAdmin([
  {
    name: 'a campaign that ends before it begins',
    statuses: [409],
    request: create('{"id":"hostile","stock":1,"opensAt":"2026-12-24T09:00:00Z","closesAt":"2026-12-24T08:00:00Z"}'),
  },
  ...FIELDS.map((field, i) => ({
    name: `a campaign with ${shown(field)}`,
    statuses: [422],
    request: create(`{"id":"hostile-${i}",${field}}`),
  })),
  ...IDS.map((id) => ({
    name: `a campaign named ${shown(id)}`,
    statuses: [422],
    request: create(`{"id":"${id}","stock":1}`),
  })),
  { name: 'a campaign whose name is a number', statuses: [422], request: create('{"id":5,"stock":1}') },
]);

const stock =
  (headers: Fields, body = '{"add":1}') =>
  ({ campaign }: HostilePlace): RawRequest => ({
    method: 'POST',
    path: `/admin/campaigns/${campaign}/stock`,
    headers: [AUTHORIZED, JSON_TYPE, ...headers],
    body,
  });
const KEYS = ['', ' ', 'a b', 'a'.repeat(65), 'é', 'a,b', '{x}', "'--", '../x', 'a=b', '%00'];
const rest = onAdmin([
  { name: 'stock without a key', statuses: [422], request: stock([]) },
  ...KEYS.map((key) => ({
    name: `stock with the key ${shown(key)}`,
    statuses: [422],
    request: stock([['idempotency-key', key]]),
  })),
  {
    name: 'stock with two keys',
    statuses: [422],
    request: stock([
      ['idempotency-key', 'a'],
      ['Idempotency-Key', 'b'],
    ]),
  },
  ...['{"add":0}', '{"add":-5}', '{"add":1e400}', '{"add":"1"}', '{"add":10000001}', '{"add":1,"set":5}', '[]'].map(
    (body) => ({
      name: `stock of ${body}`,
      statuses: [422],
      request: stock([['idempotency-key', 'k']], body),
    }),
  ),
  ...[
    'limit=0',
    'limit=501',
    'limit=x',
    'limit=1.5',
    'limit=1&limit=2',
    'limit=',
    'after=..',
    'after=%00',
    'after=A',
  ].map((query) => ({
    name: `a list with ${query}`,
    statuses: [query === 'after=A' ? 404 : 422],
    request: () => ({ path: `/admin/campaigns?${query}`, headers: [AUTHORIZED] }),
  })),
  ...['%00', '%zz', '%2e%2e', 'A', 'a'.repeat(64)].flatMap((id) => [
    {
      name: `the admin's campaign ${shown(id)}`,
      statuses: id === '%2e%2e' ? [400] : [404, 422],
      request: () => ({ path: `/admin/campaigns/${id}`, headers: [AUTHORIZED] }),
    },
    {
      name: `a pause of ${shown(id)}`,
      statuses: id === '%2e%2e' ? [400] : [404, 422],
      request: () => ({ method: 'POST', path: `/admin/campaigns/${id}/pause`, headers: [AUTHORIZED] }),
    },
  ]),
  ...['PUT', 'DELETE', 'PROPFIND', 'TRACE'].map((method) => ({
    name: `${method} by the admin`,
    statuses: [405],
    request: () => ({ method, path: '/admin/campaigns', headers: [AUTHORIZED] }),
  })),
  {
    name: 'a campaign at a Host that no URL can have',
    statuses: [400],
    request: create('{"id":"a","stock":1}', [['Host', '09'], AUTHORIZED, JSON_TYPE]),
  },
  {
    name: 'a change of nothing',
    statuses: [422],
    request: ({ campaign }) => ({
      method: 'PATCH',
      path: `/admin/campaigns/${campaign}`,
      headers: [AUTHORIZED, JSON_TYPE],
      body: '{}',
    }),
  },
  {
    name: 'a change of what never changes',
    statuses: [422],
    request: ({ campaign }) => ({
      method: 'PATCH',
      path: `/admin/campaigns/${campaign}`,
      headers: [AUTHORIZED, JSON_TYPE],
      body: '{"id":"x","stock":5,"shards":9,"state":"closed"}',
    }),
  },
]);

export const hostileAdmin: HostileRow[] = [...credentials, ...unauthorized, ...bodies, ...fields, ...rest];
