import { expect, test } from 'vitest';
import { parseAddress } from '../../src/redis/address.ts';

test.for([
  ['redis://h', { kind: 'single', tls: false, credentials: {}, at: { host: 'h', port: 6379 }, db: 0 }],
  [
    'rediss://ann:p%40ss@[::1]:7/3',
    {
      kind: 'single',
      tls: true,
      credentials: { username: 'ann', password: 'p@ss' },
      at: { host: '::1', port: 7 },
      db: 3,
    },
  ],
  [
    'redis+sentinel://:pw@a:1,b/group/2?sentinelPassword=x%26y&sentinelUsername=s',
    {
      kind: 'sentinel',
      tls: false,
      credentials: { password: 'pw' },
      sentinels: [
        { host: 'a', port: 1 },
        { host: 'b', port: 26379 },
      ],
      primary: 'group',
      db: 2,
      sentinelCredentials: { username: 's', password: 'x&y' },
    },
  ],
  [
    'rediss+cluster://a:1,b',
    {
      kind: 'cluster',
      tls: true,
      credentials: {},
      nodes: [
        { host: 'a', port: 1 },
        { host: 'b', port: 6379 },
      ],
    },
  ],
] as const)('%s is read', ([url, address]) => {
  expect(parseAddress(url)).toEqual(address);
});

test.for([
  'http://h',
  'redis+sentinel://h',
  'redis+sentinel://h/group/x',
  'redis+cluster://',
  'redis://a,b',
  'redis://h:99999',
  'redis://:secret@h:port',
])('%s is refused, without a word of its password', (url) => {
  expect(() => parseAddress(url)).toThrow(/takes/);
  expect(() => parseAddress(url)).not.toThrow(/secret/);
});
