// Hostile methods, paths, headers, bodies and bytes for the public listener.
import { type Fields, type HostileRow, join, joinPath, shown } from './hostile.ts';
import { bytesOf } from './raw.ts';

const onFront = (rows: Omit<HostileRow, 'to'>[]): HostileRow[] => rows.map((row) => ({ ...row, to: 'front' }));

const KNOWN_PATHS: [string, (campaign: string) => string][] = [
  ['a campaign', (campaign) => `/v1/campaigns/${campaign}`],
  ['tickets of a campaign', joinPath],
  ['a ticket', () => '/v1/tickets/x'],
];
const WRONG_METHODS = ['TRACE', 'PUT', 'PATCH', 'OPTIONS', 'PROPFIND', 'M-SEARCH', 'QUERY', 'LINK'];
const NO_METHODS = [
  'post',
  'get',
  'SELL',
  'BREW',
  'TRACK',
  'PRI',
  'G\0T',
  'GET/',
  '"GET"',
  'É',
  'GETGETGETGETGETGETGETGETGET',
];

const methods = onFront([
  ...KNOWN_PATHS.flatMap(([what, path]) =>
    WRONG_METHODS.map((method) => ({
      name: `${method} on ${what}`,
      statuses: [405],
      request: ({ campaign }: { campaign: string }) => ({ method, path: path(campaign) }),
    })),
  ),
  ...NO_METHODS.map((method) => ({
    name: `the method ${shown(method)}`,
    statuses: [400],
    request: () => ({ method, path: '/livez' }),
  })),
  { name: 'CONNECT', statuses: [0, 400, 405], request: () => ({ method: 'CONNECT', path: 'example.com:443' }) },
  { name: 'CONNECT on a path', statuses: [0, 400, 405], request: () => ({ method: 'CONNECT', path: '/v1/tickets/x' }) },
  { name: 'HEAD on the join', statuses: [405], request: join({ method: 'HEAD' }) },
  { name: 'DELETE on the join', statuses: [405], request: join({ method: 'DELETE' }) },
  { name: 'OPTIONS *', statuses: [400, 404, 405], request: () => ({ method: 'OPTIONS', path: '*' }) },
]);

const PATHS: [string, readonly number[]][] = [
  ['//', [404]],
  ['///v1/tickets/x', [404]],
  ['/../', [400]],
  ['/../../../../etc/passwd', [400]],
  ['/v1/tickets/', [404]],
  ['/v1/tickets', [404]],
  ['/v1/campaigns/', [404]],
  ['/v1/', [404]],
  ['/v1//campaigns/x', [404]],
  ['/v1/tickets/x/y', [404]],
  ['/v1/campaigns/x/tickets/', [404]],
  ['/admin', [404]],
  ['/admin/campaigns', [404]],
  ['/admin/dead-letters', [404]],
  ['/metrics', [404]],
  ['/.env', [404]],
  ['/constructor', [404]],
  ['/__proto__', [404]],
  ['/v1/__proto__/x', [404]],
  ['/%', [404]],
  ['/%zz', [404]],
  ['/%c0%af', [404]],
  ['/\\livez', [400]],
  ['*', [400]],
  ['livez', [400]],
  ['?', [400]],
  ['gopher://example/livez', [400]],
  ['http://', [400]],
  ['http://[::1/livez', [400]],
  ['/livez\x7f', [400, 404]],
  ['/\xff\xfe', [400, 404]],
  [`/${'a'.repeat(20_000)}`, [431]],
  [`/livez?${'a=1&'.repeat(3_000)}`, [200]],
  ['/livez?%', [200]],
  ['/livez?__proto__[x]=1', [200]],
];

const paths = onFront(
  PATHS.map(([path, statuses]) => ({ name: `the path ${shown(path)}`, statuses, request: () => ({ path }) })),
);

const many = (count: number): Fields => Array.from({ length: count }, (_, i) => [`x-${i}`, '1'] as const);

const HEADERS: [string, readonly number[], Fields][] = [
  ['a header of 1 MB', [431], [['x-big', 'a'.repeat(1_000_000)]]],
  ['a header name of 17 kB', [431], [['x'.repeat(17_000), '1']]],
  ['2,000 headers', [431], many(2_000)],
  ['1,000 short headers', [200, 202, 401, 431], many(1_000)],
  ['a NUL in a header', [400], [['x-a', 'a\0b']]],
  ['a control character in a header', [400], [['x-a', 'a\x01b']]],
  ['a bare CR in a header', [400], [['x-a', 'a\rX-User-Id: bob']]],
  ['a folded header', [400], [['x-a', 'a\r\n b']]],
  ['a space before the colon', [400], [['x-a ', 'b']]],
  ['a header without a name', [400], [['', 'b']]],
  ['a header name with a bracket', [400], [['x(a)', 'b']]],
  [
    'Content-Length twice',
    [400],
    [
      ['Content-Length', '0'],
      ['Content-Length', '5'],
    ],
  ],
  ['a negative Content-Length', [400], [['Content-Length', '-1']]],
  ['a Content-Length that is no number', [400], [['Content-Length', 'five']]],
  ['a Content-Length of 10^23', [400], [['Content-Length', '9'.repeat(23)]]],
  ['a Content-Length of 1 GB and no body', [413], [['Content-Length', '1000000000']]],
  ['a Content-Length of 4097 and no body', [413], [['Content-Length', '4097']]],
  ['a Content-Length with a sign', [400], [['Content-Length', '+5']]],
  ['a Content-Length in hex', [400], [['Content-Length', '0x5']]],
  ['Transfer-Encoding: gzip', [400], [['Transfer-Encoding', 'gzip']]],
  ['Transfer-Encoding: chunked, identity', [400], [['Transfer-Encoding', 'chunked, identity']]],
  ['Transfer-Encoding: xchunked', [400], [['Transfer-Encoding', 'xchunked']]],
  ['an unknown Expect', [417], [['Expect', '200-ok']]],
  ['Expect: 100-continue', [200, 202], [['Expect', '100-continue']]],
  [
    'Upgrade: websocket',
    [200, 202],
    [
      ['Upgrade', 'websocket'],
      ['Connection', 'Upgrade'],
    ],
  ],
  [
    'Upgrade: h2c',
    [200, 202],
    [
      ['Upgrade', 'h2c'],
      ['HTTP2-Settings', 'AAMAAABkAAQAoAAAAAIAAAAA'],
    ],
  ],
  ['an empty Host', [400], [['Host', '']]],
  ['a Host with a space', [400], [['Host', 'a b']]],
  ['a Host with a user', [400], [['Host', 'a@b']]],
  ['a Host with a path', [400], [['Host', 'a/b']]],
  ['a Host that ends in a number and is no address', [400], [['Host', '1..2']]],
  ['a Host that is a number no address has', [400], [['Host', '4294967296']]],
  ['a Host that is a script', [400], [['Host', '<script>']]],
  [
    'Host twice',
    [200, 202, 400],
    [
      ['Host', 'a'],
      ['Host', 'b'],
    ],
  ],
  ['X-Forwarded-For with nonsense', [200, 202], [['X-Forwarded-For', "127.0.0.1, ' or 1=1--"]]],
  ['a method override', [200, 202], [['X-HTTP-Method-Override', 'DELETE']]],
  ...[
    '',
    '00',
    '00-x-y-z',
    `00-${'0'.repeat(32)}-${'0'.repeat(16)}-00`,
    `ff-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
    'é',
    'a'.repeat(5_000),
    '00-__proto__',
  ].map((trace): [string, readonly number[], Fields] => [
    `the traceparent ${shown(trace)}`,
    [200, 202],
    [['traceparent', trace]],
  ]),
];

const headers = onFront(
  HEADERS.map(([name, statuses, fields]) => ({ name, statuses, request: join({ headers: fields }) })),
);

const CHUNKED: Fields = [['Transfer-Encoding', 'chunked']];
const bodies = onFront([
  { name: 'a join with a JSON body', statuses: [200, 202], request: join({ body: '{"user":"bob"}' }) },
  { name: 'a join with a body of NULs', statuses: [200, 202], request: join({ body: Buffer.alloc(4_000) }) },
  { name: 'a join with 5 kB', statuses: [413], request: join({ body: 'a'.repeat(5_000) }) },
  { name: 'a join with 2 MB', statuses: [413], request: join({ body: 'a'.repeat(2_000_000) }) },
  {
    name: 'a join with an empty chunked body',
    statuses: [200, 202],
    request: join({ headers: CHUNKED, body: '0\r\n\r\n' }),
  },
  {
    name: 'a join with 1 MB in one chunk',
    statuses: [200, 202, 413],
    request: join({ headers: CHUNKED, body: `f4240\r\n${'a'.repeat(1_000_000)}\r\n0\r\n\r\n` }),
  },
  { name: 'a chunk size that is none', statuses: [400], request: join({ headers: CHUNKED, body: 'zz\r\n' }) },
  {
    name: 'a chunk size beyond 64 bits',
    statuses: [400],
    request: join({ headers: CHUNKED, body: `${'f'.repeat(40)}\r\n` }),
  },
  { name: 'a negative chunk size', statuses: [400], request: join({ headers: CHUNKED, body: '-1\r\n' }) },
  {
    name: 'Transfer-Encoding and Content-Length together',
    statuses: [400],
    request: join({ headers: [...CHUNKED, ['Content-Length', '5']], body: '0\r\n\r\n' }),
  },
  {
    name: 'a request smuggled behind a chunked body',
    statuses: [200, 202, 400],
    request: join({ headers: CHUNKED, body: '0\r\n\r\nDELETE /v1/tickets/x HTTP/1.1\r\nHost: x\r\n\r\n' }),
  },
  { name: 'a poll with a body', statuses: [404], request: () => ({ path: '/v1/tickets/x', body: '{}' }) },
]);

const BYTES: [string, readonly number[], Buffer][] = [
  ['HTTP/0.9', [400], Buffer.from('GET /livez\r\n\r\n')],
  ['HTTP/1.0 without Host', [200], Buffer.from('GET /livez HTTP/1.0\r\n\r\n')],
  ['HTTP/1.1 without Host', [400], Buffer.from('GET /livez HTTP/1.1\r\n\r\n')],
  ['HTTP/2.0 in the clear', [400], Buffer.from('GET /livez HTTP/2.0\r\n\r\n')],
  ['the HTTP/2 preface', [400], Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')],
  ['HTTP/9.9', [400], Buffer.from('GET /livez HTTP/9.9\r\nHost: x\r\n\r\n')],
  ['no version at all', [400], Buffer.from('GET /livez HTTP/\r\nHost: x\r\n\r\n')],
  ['a TLS hello', [400], Buffer.from('16030100a5010000a10303', 'hex')],
  ['zeros', [400], Buffer.alloc(1_000)],
  ['every byte', [400], Buffer.from(Array.from({ length: 256 }, (_, i) => i))],
  ['a Redis command', [400], Buffer.from('*1\r\n$8\r\nFLUSHALL\r\n')],
  ['an SSH banner', [400], Buffer.from('SSH-2.0-OpenSSH_9.9\r\n')],
  ['bare line feeds', [0, 200, 400], Buffer.from('GET /livez HTTP/1.1\nHost: x\nConnection: close\n\n')],
  ['blank lines first', [200, 400], Buffer.concat([Buffer.from('\r\n\r\n'), bytesOf({ path: '/livez' })])],
  [
    'spaces in the request line',
    [200, 400],
    Buffer.from('GET  /livez  HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'),
  ],
  ['a response instead of a request', [400], Buffer.from('HTTP/1.1 200 OK\r\n\r\n')],
];

const bytes = onFront(BYTES.map(([name, statuses, sent]) => ({ name, statuses, request: () => sent })));

export const hostileRequests: HostileRow[] = [...methods, ...paths, ...headers, ...bodies, ...bytes];
