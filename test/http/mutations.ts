// Ways to spoil a good request.
import { type Dice, pick } from './dice.ts';
import type { Operation } from './openapi-requests.ts';
import { bytesOf, type RawRequest } from './raw.ts';

/** What a mutation leaves of the request: whether it still is one to this operation, by this method. */
export interface Spoilt {
  request: RawRequest;
  isElsewhere: boolean;
  how: string[];
}

type Mutation = (spoilt: Spoilt, operation: Operation, dice: Dice) => Spoilt;

const TEXTS = [
  '',
  ' ',
  '0',
  '-1',
  'null',
  'undefined',
  'true',
  '[]',
  '{}',
  '__proto__',
  'constructor',
  'toString',
  '..',
  '../../etc/passwd',
  '%2e%2e%2f',
  '%252e%252e%252f',
  '%00',
  'a%00b',
  '%0d%0aSet-Cookie:%20x=1',
  '%zz',
  '%',
  '%c0%af',
  '%ff%fe',
  '%F0%9F%8E%AB',
  '{x}',
  '{{7*7}}',
  '$' + '{7*7}',
  "' or 1=1--",
  '"; drop table x;--',
  '*',
  '\\*1\\r\\n',
  '<script>alert(1)</script>',
  'a'.repeat(63),
  'a'.repeat(64),
  'a'.repeat(129),
  'a'.repeat(4_097),
  '\xe9\xff',
  '9007199254740993',
  '1e999',
  '0x10',
  '2147483648',
  '18446744073709551616',
  '00000001',
  '1_000',
  'NaN',
];
/** JSON, as it is written: some of it no parser gives back as it was. */
const LITERALS = [
  ...['null', 'true', 'false', '0', '-0', '-1', '1', '1.5', '1e400', '-1e400', '1e-400', '9007199254740993'],
  ...['10000001', '4294967296', '18446744073709551616', '123456789012345678901234567890', '""', '" "', '"\\u0000"'],
  ...['"\\ud800"', '"__proto__"', '[]', '[[]]', '[null]', '{}', '{"a":1}', '{"__proto__":{"x":1}}', '{"$gt":0}'],
  ...['"2026-02-30T00:00:00Z"', '"9999-12-31T23:59:59.999-10:00"', '"0000-01-01T00:00:00Z"', '"1"', '"Infinity"'],
  `"${'a'.repeat(201)}"`,
  `"${'a'.repeat(3_000)}"`,
  `${'['.repeat(1_000)}${']'.repeat(1_000)}`,
  `${'{"a":'.repeat(500)}1${'}'.repeat(500)}`,
];
const TYPES = ['', 'text/plain', 'application/json; charset=utf-16', 'application/JSON', 'application/json, text/html'];
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'QUERY', 'get', 'X'];
const HEADERS = [
  'x-user-id',
  'authorization',
  'x-gateway-secret',
  'x-forwarded-for',
  'forwarded',
  'traceparent',
  'tracestate',
  'baggage',
  'prefer',
  'accept',
  'accept-encoding',
  'content-encoding',
  'if-none-match',
  'range',
  'expect',
  'idempotency-key',
  'x-actor',
  'x-http-method-override',
  'cookie',
  'origin',
  'host',
  'connection',
  'transfer-encoding',
  'content-length',
  'upgrade',
];
const PATHS: ((path: string) => string)[] = [
  (path) => `/${path}`,
  (path) => `/.${path}`,
  (path) => `/x/..${path}`,
  (path) => `${path}/`,
  (path) => `${path}/..`,
  (path) => `${path};x=1`,
  (path) => `${path}%2f`,
  (path) => `${path}%00`,
  (path) => `${path}#x`,
  (path) => path.toUpperCase(),
  (path) => path.replaceAll('/', '//'),
  (path) => path.replaceAll('/', '\\'),
  (path) => path.replaceAll('/', '%2f'),
  (path) => path.replace(/[a-z]/, (letter) => `%${letter.charCodeAt(0).toString(16)}`),
  (path) => `http://localhost:8080${path}`,
  (path) => `http://evil.example${path}`,
  (path) => path.slice(1),
  (path) => `${path} x`,
];

const also = (spoilt: Spoilt, how: string, request: RawRequest, isElsewhere = false): Spoilt => ({
  request: { ...spoilt.request, ...request },
  isElsewhere: spoilt.isElsewhere || isElsewhere,
  how: [...spoilt.how, how],
});

const parameter: Mutation = (spoilt, { path, parameters }, dice) => {
  const text = pick(dice, TEXTS);
  const named = parameters.length > 0 ? pick(dice, parameters) : undefined;
  const { request } = spoilt;
  if (named?.in === 'path') {
    const at = path.split('/').indexOf(`{${named.name}}`);
    const parts = request.path!.split('/').map((part, i) => (i === at ? text : part));
    return also(spoilt, `${named.name} ${text}`, { path: parts.join('/') }, true);
  }
  if (named?.in === 'header')
    return also(spoilt, `${named.name}: ${text}`, { headers: set(request, named.name, text) });
  const name = named?.name ?? pick(dice, TEXTS);
  const mark = request.path!.includes('?') ? '&' : '?';
  return also(spoilt, `query ${name}`, { path: `${request.path}${mark}${name}=${text}` });
};

const header: Mutation = (spoilt, _, dice) => {
  const name = pick(dice, HEADERS);
  const text = pick(dice, TEXTS);
  const { headers = [] } = spoilt.request;
  const replaces = dice() < 0.5;
  const next = replaces ? set(spoilt.request, name, text) : [...headers, [name, text] as const];
  return also(spoilt, `${replaces ? '' : 'another '}${name}: ${text}`, { headers: next });
};

const field: Mutation = (spoilt, { fields }, dice) => {
  const names = [...fields, ...fields, '__proto__', 'constructor', 'toString', '', 'unknown', 'a.b', 'id\\u0000'];
  const name = pick(dice, names);
  const literal = pick(dice, LITERALS);
  const body = String(spoilt.request.body ?? '{}').replace(/\}$/, '');
  // A second one of a name that is there: the last wins.
  return also(spoilt, `"${name}": ${literal}`, {
    body: `${body}${body.endsWith('{') ? '' : ','}"${name}":${literal}}`,
  });
};

const encoding: Mutation = (spoilt, _, dice) => {
  const text = String(spoilt.request.body ?? '{"a":1}');
  const bytes = Buffer.from(text);
  const ways: [string, Buffer][] = [
    ['UTF-16', Buffer.from(text, 'utf16le')],
    ['a byte order mark', Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), bytes])],
    ['no UTF-8', Buffer.concat([bytes.subarray(0, -1), Buffer.from([0xc3, 0x28, 0xff, 0x7d])])],
    ['NULs', Buffer.concat([bytes, Buffer.alloc(10)])],
    ['half of it', bytes.subarray(0, Math.floor(bytes.length / 2))],
    ['a literal', Buffer.from(pick(dice, LITERALS))],
    ['too much of it', Buffer.from(text.repeat(200))],
    ['gzip', Buffer.from('1f8b0800000000000003', 'hex')],
    ['nothing', Buffer.alloc(0)],
  ];
  const [how, body] = pick(dice, ways);
  return also(spoilt, `a body of ${how}`, { body });
};

const type: Mutation = (spoilt, _, dice) => {
  const text = pick(dice, TYPES);
  return also(spoilt, `type ${text}`, { headers: set(spoilt.request, 'content-type', text) });
};

const method: Mutation = (spoilt, _, dice) => {
  const name = pick(dice, METHODS);
  return also(spoilt, name, { method: name }, true);
};

const path: Mutation = (spoilt, _, dice) => {
  const next = pick(dice, PATHS)(spoilt.request.path!);
  return also(spoilt, `path ${next}`, { path: next }, true);
};

const chunks: Mutation = (spoilt, _, dice) => {
  const text = String(spoilt.request.body ?? 'a').repeat(pick(dice, [1, 100]));
  const size = pick(dice, [text.length.toString(16), 'zz', '-1', 'ffffffffffffffffff', '0', '1;x="y"', ' 1']);
  const headers = [...(spoilt.request.headers ?? []), ['transfer-encoding', 'chunked'] as const];
  return also(spoilt, `a chunk of ${size}`, { headers, body: `${size}\r\n${text}\r\n0\r\n\r\n` });
};

const MUTATIONS = [parameter, parameter, header, header, field, field, encoding, type, method, path, chunks];

/** One to three mutations, one after the other. */
export function spoil(request: RawRequest, operation: Operation, dice: Dice): Spoilt {
  const count = 1 + Math.floor(dice() * 3);
  let spoilt: Spoilt = { request, isElsewhere: false, how: [] };
  for (let i = 0; i < count; i += 1) spoilt = pick(dice, MUTATIONS)(spoilt, operation, dice);
  return spoilt;
}

/** The bytes of a request with some of them changed, added, doubled or left out. */
export function spoilBytes(request: RawRequest, dice: Dice): Buffer {
  let bytes = bytesOf(request);
  for (let i = 0; i <= dice() * 3; i += 1) {
    const at = Math.floor(dice() * bytes.length);
    const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
    const extra = pick(dice, [
      '\0',
      '\r\n',
      '\n',
      '\r',
      ' ',
      '\t',
      ':',
      '\x7f',
      '\xff',
      'a',
      '%',
      'HTTP/1.1 ',
      '\r\n\r\n',
    ]);
    const length = Math.floor(dice() * 20);
    const ways = [
      () => [before, Buffer.from([Math.floor(dice() * 256)]), after.subarray(1)],
      () => [before, Buffer.from(extra, 'latin1'), after],
      () => [before, after.subarray(length)],
      () => [before, after.subarray(0, length), after],
      () => [before],
    ];
    bytes = Buffer.concat(pick(dice, ways)());
  }
  return bytes;
}

const set = ({ headers = [] }: RawRequest, name: string, text: string): (readonly [string, string])[] => [
  ...headers.filter(([other]) => other.toLowerCase() !== name),
  [name, text],
];
