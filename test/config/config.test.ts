import { expect, test } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { parseAddress } from '../../src/redis/address.ts';

const GOOD = [
  'redis://default:pw@127.0.0.1:6379/1',
  'rediss://h',
  'redis+sentinel://:pw@a:26379,b:26379/sluice/0?sentinelPassword=x',
  'redis+cluster://user:pw@a:7000,b:7001',
  'rediss+cluster://a:7000/',
];

test.for(GOOD)('REDIS_URL takes %s, and so does the client', (url) => {
  expect(readConfig({ REDIS_URL: url }).redisUrl).toBe(url);
  expect(() => parseAddress(url)).not.toThrow();
});

test.for(['http://h', 'redis+sentinel://a,b', 'redis+cluster://', 'redis+cluster://a:1/0', 'redis://'])(
  'REDIS_URL does not take %s, and says what it takes',
  (url) => {
    expect(() => readConfig({ REDIS_URL: url })).toThrow(/REDIS_URL: takes redis:.*redis\+sentinel:.*redis\+cluster:/);
  },
);

test('waiting for a replica needs a Redis that may have one', () => {
  for (const DURABILITY of ['replica', 'disk+replica']) {
    expect(() => readConfig({ DURABILITY })).toThrow(/DURABILITY: .* needs a REDIS_URL/);
    expect(readConfig({ DURABILITY, REDIS_URL: 'redis://h' }).durability).toBe(DURABILITY);
  }
});

test('a certificate file that cannot be read is a problem of the configuration', () => {
  expect(() => readConfig({ REDIS_CA_FILE: '/nowhere/ca.pem' })).toThrow(/REDIS_CA_FILE: .*ENOENT/);
});
