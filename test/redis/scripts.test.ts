import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { loadScript, parseScript, runScript } from '../../src/redis/scripts.ts';
import { testRedis } from '../helpers/redis.ts';
import { uniqueName } from '../helpers/services.ts';

const NAMES = readdirSync(new URL('../../lua/', import.meta.url))
  .filter((file) => file.endsWith('.lua'))
  .map((file) => file.replace(/\.lua$/, ''));

test.for(NAMES)('lua/%s.lua binds what its header promises', (name) => {
  const script = loadScript(name);
  expect(script.text).toMatch(/^-- KEYS: (?!none)\S/m);
  expect(script.sha).toMatch(/^[0-9a-f]{40}$/);
});

const SOUND = `#!lua
-- Does something.
--
-- KEYS: gate work[shards]
-- ARGV: epoch count (tag user)[count]
-- RETURNS: nothing
local gate = KEYS[1]
local epoch = ARGV[1]
local count = tonumber(ARGV[2])
return epoch
`;

test('a header names the fixed parameters, groups follow them', () => {
  expect(parseScript('sound', SOUND)).toMatchObject({ keyNames: ['gate'], argumentNames: ['epoch', 'count'] });
});

test.for([
  ['no shebang', '#!lua\n', ''],
  ['no KEYS line', '-- KEYS: gate work[shards]\n', ''],
  ['no ARGV line', '-- ARGV: epoch count (tag user)[count]\n', ''],
  ['no RETURNS line', '-- RETURNS: nothing\n', ''],
  ['another name than it binds', 'local epoch = ARGV[1]', 'local version = ARGV[1]'],
  ['an argument that it does not bind', 'local count = tonumber(ARGV[2])\n', ''],
  ['another order than it binds', 'local epoch = ARGV[1]', 'local epoch = ARGV[2]'],
])('a script with %s is refused at load', ([, part, instead]) => {
  expect(() => parseScript('untrue', SOUND.replace(part!, instead!))).toThrow('lua/untrue.lua');
});

test('a script runs on a server that has never heard of it, and an error of its own is not run twice', async (t) => {
  const redis = testRedis(t);
  const key = uniqueName('script');
  const script = parseScript(
    'sound',
    SOUND.replace('return epoch', "redis.call('INCR', gate)\nreturn redis.error_reply('ERR mine')"),
  );
  await expect(runScript(redis, script, [key], ['1', '2'])).rejects.toThrow('mine');
  expect(await redis.get(key)).toBe('1');
  await redis.del(key);
});
