import { expect, test } from 'vitest';
import { readCommand } from '../../src/cli/arguments.ts';
import { settings as settingNames } from '../../src/config/settings.ts';
import type { Fact, Fields, Finding, Status } from '../../src/doctor/finding.ts';
import type { RedisFacts } from '../../src/doctor/redis-facts.ts';
import { judgeRedis } from '../../src/doctor/redis-judgement.ts';

const INFO: Fields = {
  redis_version: '8.2.7',
  role: 'master',
  used_memory: '1000000',
  maxmemory: '100000000',
  maxmemory_policy: 'noeviction',
  aof_enabled: '1',
  aof_last_write_status: 'ok',
  aof_last_bgrewrite_status: 'ok',
  rdb_last_bgsave_status: 'ok',
  loading: '0',
  connected_slaves: '0',
};
const SETTINGS: Fields = {
  'maxmemory-policy': 'noeviction',
  appendonly: 'yes',
  appendfsync: 'always',
  'no-appendfsync-on-rewrite': 'no',
  save: '',
  bind: '127.0.0.1',
  requirepass: 'secret',
  'protected-mode': 'yes',
  'min-replicas-to-write': '0',
  'min-replicas-max-lag': '10',
};
const REPLICA = 'ip=10.0.0.2,port=6379,state=online,offset=14,lag=0';
const FORBIDDEN = { untold: 'NOPERM this user has no permissions' };

interface Told {
  info?: Fields;
  settings?: Fields;
  durability?: string;
  facts?: Partial<RedisFacts>;
  /** The version of the Debian package that it runs from, and what its changelog names. */
  installed?: [version: string, ...patched: string[]];
}

function findingsOf({ info = {}, settings = {}, durability = 'disk', facts = {}, installed }: Told): Finding[] {
  const all: RedisFacts = {
    info: { told: { ...INFO, ...info } },
    settings: { told: { ...SETTINGS, ...settings } },
    openToAll: { told: false },
    scriptRefusals: [],
    cluster: undefined,
    clock: { told: { aheadMs: 0, doubtMs: 0 } },
    ...facts,
  };
  const itsPackage = installed && { name: 'redis-server', version: installed[0], patched: installed.slice(1) };
  return judgeRedis(all, durability, itsPackage);
}

const statuses = (told: Told) =>
  Object.fromEntries(findingsOf(told).map(({ check, status }) => [check, status])) as Record<string, Status>;

const REDIS_7 = { redis_version: '7.0.15' };
const HOLES = ['CVE-2025-49844', 'CVE-2026-23631'];

test('a Redis as it should be is ok in everything', () => {
  expect(new Set(Object.values(statuses({})))).toEqual(new Set(['ok']));
});

const withReplica = { info: { connected_slaves: '1', slave0: REPLICA } };
const strict = { 'min-replicas-to-write': '1' };
const cluster = (cluster_state: string): Fact<Fields> => ({ told: { cluster_state } });

test.for<[string, Told, string, Status]>([
  ['an eviction policy', { info: { maxmemory_policy: 'allkeys-lru' } }, 'redis-eviction', 'broken'],
  ['an eviction policy of keys with a TTL', { info: { maxmemory_policy: 'volatile-ttl' } }, 'redis-eviction', 'broken'],
  [
    'fsync every second where disk is promised',
    { settings: { appendfsync: 'everysec' } },
    'redis-append-log',
    'broken',
  ],
  [
    'fsync every second where disk and a replica are promised',
    { settings: { appendfsync: 'everysec' }, durability: 'disk+replica' },
    'redis-append-log',
    'broken',
  ],
  [
    'no fsync while the log is rewritten',
    { settings: { 'no-appendfsync-on-rewrite': 'yes' } },
    'redis-append-log',
    'broken',
  ],
  ['no log where disk is promised', { info: { aof_enabled: '0' } }, 'redis-append-log', 'broken'],
  [
    'no log where memory is promised',
    { info: { aof_enabled: '0' }, durability: 'memory' },
    'redis-append-log',
    'warning',
  ],
  ['no log beside a replica', { info: { aof_enabled: '0' }, durability: 'replica' }, 'redis-append-log', 'warning'],
  [
    'fsync every second where memory is promised',
    { settings: { appendfsync: 'everysec' }, durability: 'memory' },
    'redis-append-log',
    'ok',
  ],
  [
    'fsync left to the kernel where memory is promised',
    { settings: { appendfsync: 'no' }, durability: 'memory' },
    'redis-append-log',
    'warning',
  ],
  ['a log that cannot be written', { info: { aof_last_write_status: 'err' } }, 'redis-log-state', 'broken'],
  ['a log that cannot be rewritten', { info: { aof_last_bgrewrite_status: 'err' } }, 'redis-log-state', 'warning'],
  [
    'a failed snapshot that stops writes',
    { info: { rdb_last_bgsave_status: 'err' }, settings: { save: '3600 1' } },
    'redis-log-state',
    'broken',
  ],
  ['a failed snapshot nobody waits for', { info: { rdb_last_bgsave_status: 'err' } }, 'redis-log-state', 'ok'],
  ['data that is still loaded', { info: { loading: '1' } }, 'redis-log-state', 'warning'],
  ['a replica in place of the primary', { info: { role: 'slave' } }, 'redis-role', 'broken'],
  ['no replica where one is promised', { durability: 'replica' }, 'redis-replicas', 'broken'],
  ['a replica', { ...withReplica, durability: 'replica' }, 'redis-replicas', 'ok'],
  [
    'a replica that still syncs',
    { info: { connected_slaves: '1', slave0: REPLICA.replace('online', 'wait_bgsave') }, durability: 'disk+replica' },
    'redis-replicas',
    'warning',
  ],
  ['a primary that goes on alone', { ...withReplica, durability: 'replica' }, 'redis-min-replicas', 'warning'],
  ['a primary that does not', { ...withReplica, settings: strict, durability: 'replica' }, 'redis-min-replicas', 'ok'],
  [
    'a replica that may be a minute behind',
    { ...withReplica, settings: { ...strict, 'min-replicas-max-lag': '60' }, durability: 'replica' },
    'redis-min-replicas',
    'warning',
  ],
  [
    'a lag that is not looked at',
    { ...withReplica, settings: { ...strict, 'min-replicas-max-lag': '0' }, durability: 'replica' },
    'redis-min-replicas',
    'warning',
  ],
  ['memory that is 71 % full', { info: { used_memory: '71000000' } }, 'redis-memory', 'warning'],
  ['memory that is 70 % full', { info: { used_memory: '70000000' } }, 'redis-memory', 'ok'],
  [
    'a machine that is nearly full, without maxmemory',
    { info: { maxmemory: '0', used_memory: '90', total_system_memory: '100' } },
    'redis-memory',
    'warning',
  ],
  ['Redis 6', { info: { redis_version: '6.2.20' } }, 'redis-version', 'broken'],
  ['Redis 7.0', { info: { redis_version: '7.0.0' } }, 'redis-version', 'ok'],
  ['a Valkey', { info: { redis_version: '7.2.4', valkey_version: '7.2.11' } }, 'redis-version', 'ok'],
  ['Redis 10', { info: { redis_version: '10.0.0' } }, 'redis-version', 'ok'],
  ['Redis 7.0.15, wherever it comes from', { info: REDIS_7 }, 'redis-holes', 'warning'],
  ['Debian 12, patched', { info: REDIS_7, installed: ['5:7.0.15-1~deb12u8'] }, 'redis-holes', 'ok'],
  ['Debian 12, patched since', { info: REDIS_7, installed: ['5:7.0.15-1~deb12u10'] }, 'redis-holes', 'ok'],
  ['Debian 12, not patched yet', { info: REDIS_7, installed: ['5:7.0.15-1~deb12u7'] }, 'redis-holes', 'warning'],
  ['a package whose changelog names all', { info: REDIS_7, installed: ['1', ...HOLES] }, 'redis-holes', 'ok'],
  ['one whose changelog names some', { info: REDIS_7, installed: ['1', HOLES[0]!] }, 'redis-holes', 'warning'],
  ['a Redis before the fix of its line', { info: { redis_version: '8.2.2' } }, 'redis-holes', 'warning'],
  ['a Valkey before the fix of its line', { info: { valkey_version: '8.1.3' } }, 'redis-holes', 'warning'],
  ['a Valkey after it', { info: { valkey_version: '8.1.7' } }, 'redis-holes', 'ok'],
  ['a script that may not run', { facts: { scriptRefusals: ['NOPERM eval'] } }, 'redis-scripts', 'broken'],
  [
    'an open door on every address',
    { settings: { bind: '* -::*', requirepass: '', 'protected-mode': 'no' }, facts: { openToAll: { told: true } } },
    'redis-access',
    'warning',
  ],
  [
    'an open door in protected mode',
    { settings: { bind: '* -::*', requirepass: '' }, facts: { openToAll: { told: true } } },
    'redis-access',
    'ok',
  ],
  [
    'an open door that only this machine reaches',
    { settings: { bind: '127.0.0.1 -::1', 'protected-mode': 'no' }, facts: { openToAll: { told: true } } },
    'redis-access',
    'ok',
  ],
  [
    'no password, where only the settings are told',
    { settings: { bind: '0.0.0.0', requirepass: '', 'protected-mode': 'no' }, facts: { openToAll: FORBIDDEN } },
    'redis-access',
    'warning',
  ],
  ['a cluster with lost slots', { facts: { cluster: cluster('fail') } }, 'redis-cluster', 'broken'],
  [
    'a cluster that stops as a whole',
    { facts: { cluster: cluster('ok') }, settings: { 'cluster-require-full-coverage': 'yes' } },
    'redis-cluster',
    'warning',
  ],
  [
    'a cluster that does not',
    { facts: { cluster: cluster('ok') }, settings: { 'cluster-require-full-coverage': 'no' } },
    'redis-cluster',
    'ok',
  ],
])('%s', ([, told, check, status]) => {
  expect(statuses(told)[check]).toBe(status);
});

test('what the doctor advises about memory is a command that gives memory back', () => {
  const found = findingsOf({ info: { used_memory: '71000000' } }).find(({ check }) => check === 'redis-memory')!;
  const { remedy } = found as Finding & { remedy: string };
  const command = /sluice (campaign \S+ <id> --yes)/.exec(remedy)![1]!;
  expect(readCommand(command.replace('<id>', 'spring-sale').split(' '))).toMatchObject({
    verb: { name: 'archive' },
    names: ['spring-sale'],
  });
  expect(Object.keys(settingNames)).toContain(/[A-Z]+_[A-Z_]+/.exec(remedy)![0]);
});

test('where CONFIG is forbidden INFO tells what it can, and the rest is unknown instead of ok', () => {
  const facts = { settings: FORBIDDEN, openToAll: FORBIDDEN };
  expect(statuses({ facts, durability: 'disk+replica', ...withReplica })).toMatchObject({
    'redis-eviction': 'ok',
    'redis-append-log': 'unknown',
    'redis-replicas': 'ok',
    'redis-min-replicas': 'unknown',
    'redis-access': 'unknown',
  });
  const evicting = { info: { maxmemory_policy: 'allkeys-lru', aof_enabled: '0' }, facts };
  expect(statuses(evicting)).toMatchObject({ 'redis-eviction': 'broken', 'redis-append-log': 'broken' });
});

test('where both INFO and CONFIG are forbidden nothing is called ok that was not seen', () => {
  const { 'redis-scripts': scripts, ...rest } = statuses({ facts: { info: FORBIDDEN, settings: FORBIDDEN } });
  expect(scripts).toBe('ok');
  expect(new Set(Object.values(rest))).toEqual(new Set(['unknown']));
});

test('every finding that is not ok says what it means and what to do', () => {
  const worst: RedisFacts = {
    info: { told: { redis_version: '6.0.0', maxmemory_policy: 'allkeys-lru', aof_enabled: '0', role: 'slave' } },
    settings: { told: { bind: '', 'protected-mode': 'no' } },
    openToAll: { told: true },
    scriptRefusals: ['NOPERM'],
    cluster: cluster('fail'),
    clock: FORBIDDEN,
  };
  const findings = judgeRedis(worst, 'disk+replica').filter(({ status }) => status !== 'ok');
  expect(findings.length).toBeGreaterThan(7);
  for (const { check, means, remedy } of findings) expect([means, remedy], check).not.toContain('');
});
