// What a real Redis says in each of these states, and what the service makes of it.
import { mkdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { expect, type TestContext, test } from 'vitest';
import { createClient } from '../../src/redis/client.ts';
import { redisFault } from '../../src/redis/connection.ts';
import { parseScript, runScript } from '../../src/redis/scripts.ts';
import { until } from '../helpers/until.ts';
import { startCluster } from '../topology/cluster.ts';
import { openServers, PASSWORD, type Server } from '../topology/servers.ts';

const WRITES = parseScript(
  'writes',
  '#!lua\n-- KEYS: key\n-- ARGV: value\n-- RETURNS: OK\nlocal key = KEYS[1]\nlocal value = ARGV[1]\nreturn redis.call("SET", key, value)\n',
);
const FAILS = parseScript('fails', WRITES.source.replace('"SET", key, value', '"LPUSH", key, value'));

const fault = (work: Promise<unknown>) => work.then(() => 'nothing', redisFault);
const write = (server: Server) => fault(runScript(server.client, WRITES, ['key'], ['value']));
const UNAVAILABLE = { code: 'redis-unavailable', retryable: true };
const saying = (start: string) => ({ ...UNAVAILABLE, message: expect.stringMatching(new RegExp(`^${start}`)) });

async function startOne(t: TestContext, settings: Record<string, string | number> = {}): Promise<Server> {
  const servers = await openServers();
  t.onTestFinished(() => servers[Symbol.asyncDispose]());
  return servers.start({ masterauth: JSON.stringify(PASSWORD), ...settings });
}

test('a script the server has forgotten runs all the same', async (t) => {
  const { client } = await startOne(t);
  expect(await fault(client.evalsha(WRITES.sha, 1, 'key', 'value'))).toMatchObject(saying('NOSCRIPT'));
  expect(await runScript(client, WRITES, ['key'], ['value'])).toBe('OK');
});

test('a primary with too few replicas: ask again', async (t) => {
  expect(await write(await startOne(t, { 'min-replicas-to-write': 1 }))).toMatchObject(saying('NOREPLICAS'));
});

test('a Redis that is full: ask again', async (t) => {
  const server = await startOne(t, { maxmemory: 1, 'maxmemory-policy': 'noeviction' });
  expect(await write(server)).toMatchObject(saying('OOM'));
});

test('a Redis that cannot write to its disk: ask again', async (t) => {
  const server = await startOne(t, { 'stop-writes-on-bgsave-error': 'yes', rdbchecksum: 'no', save: '3600 1' });
  await server.client.set('key', 1);
  // Where the file should be there is a folder.
  const [, dir] = (await server.client.config('GET', 'dir')) as string[];
  await mkdir(`${dir}/dump.rdb`);
  await server.client.bgsave();
  const state = async () => /rdb_last_bgsave_status:err/.test(await server.client.info('persistence'));
  await until('a save that failed', 5_000, state);
  expect(await write(server)).toMatchObject(saying('MISCONF'));
});

test('a replica, and one that has lost its primary: ask again', async (t) => {
  const replica = await startOne(t, { replicaof: '127.0.0.1 1' });
  expect(await write(replica)).toMatchObject(saying('READONLY'));
  await replica.client.config('SET', 'replica-serve-stale-data', 'no');
  expect(await fault(replica.client.get('key'))).toMatchObject(saying('MASTERDOWN'));
});

test('a Redis that is busy with a script: ask again', async (t) => {
  const server = await startOne(t, { 'busy-reply-threshold': 1 });
  const stuck = server.client.duplicate();
  t.onTestFinished(() => stuck.disconnect());
  await stuck.ping();
  stuck.eval('while true do end', 0).catch(() => undefined);
  const said = () => server.client.get('key').catch((error: Error) => error.message);
  await until('BUSY', 5_000, async () => (await said())?.startsWith('BUSY'));
  expect(await write(server)).toMatchObject(saying('BUSY'));
});

test('a Redis that is loading its data: ask again', async (t) => {
  const server = await startOne(t, { 'key-load-delay': 20_000, 'loading-process-events-interval-bytes': 1_024 });
  await server.client.eval("for i = 1, 100 do redis.call('SET', i, string.rep('x', 1024)) end", 0);
  await server.client.save();
  await server.kill();
  const started = server.start();
  const early = server.client.duplicate({ enableReadyCheck: false });
  early.on('error', () => undefined);
  t.onTestFinished(() => early.disconnect());
  expect(await fault(early.get('1'))).toMatchObject(saying('LOADING'));
  await started;
});

test('a server with no connection left: ask again', async (t) => {
  const server = await startOne(t);
  await server.client.config('SET', 'maxclients', 1);
  // Written to the socket and closed at once: a client hears of it or of a broken connection.
  const socket = connect(server.port, '127.0.0.1');
  const text = await new Promise<string>((resolve) => socket.once('data', (data) => resolve(data.toString())));
  expect(redisFault(new Error(text.replace(/^-/, '').trim()))).toMatchObject(
    saying('ERR max number of clients reached'),
  );
});

test('a connection that ends under a command, a pipeline and a blocked read: ask again', async (t) => {
  const server = await startOne(t);
  const url = `redis://:${encodeURIComponent(PASSWORD)}@127.0.0.1:${server.port}`;
  const client = createClient({ url }, { name: 'cut', silentMs: 60_000 });
  client.on('error', () => undefined);
  t.onTestFinished(() => client.disconnect());
  await client.connect();
  const blocked = fault(client.blpop('nothing', 0));
  const piped = fault(
    client
      .pipeline([
        ['get', 'a'],
        ['get', 'b'],
      ])
      .exec()
      .then((replies) => Promise.reject(replies![1]![0])),
  );
  await until('it blocks', 5_000, async () => /cmd=blpop/.test(String(await server.client.client('LIST'))));
  await server.client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  expect(await blocked).toMatchObject(UNAVAILABLE);
  expect(await piped).toMatchObject(UNAVAILABLE);
  expect(await fault(client.get('a'))).toMatchObject(UNAVAILABLE);
});

test('a reader whose stream is gone, or whose server is demoted, is unblocked: ask again', async (t) => {
  const server = await startOne(t);
  await server.client.xgroup('CREATE', 'stream', 'group', '0', 'MKSTREAM');
  const reader = server.client.duplicate();
  t.onTestFinished(() => reader.disconnect());
  const blocked = () => fault(reader.xreadgroup('GROUP', 'group', 'a', 'BLOCK', 0, 'STREAMS', 'stream', '>'));
  const isBlocked = async () => /cmd=xreadgroup/.test(String(await server.client.client('LIST')));
  const first = blocked();
  await until('it blocks', 5_000, isBlocked);
  await server.client.del('stream');
  expect(await first).toMatchObject({ ...UNAVAILABLE, message: expect.stringMatching(/^(UNBLOCKED|NOGROUP)/) });
  await server.client.xgroup('CREATE', 'stream', 'group', '0', 'MKSTREAM');
  const second = blocked();
  await until('it blocks', 5_000, isBlocked);
  await server.client.replicaof('127.0.0.1', '1');
  expect(await second).toMatchObject(saying('UNBLOCKED'));
});

test('the wrong password: ask again, for it may be given the right one', async (t) => {
  const server = await startOne(t);
  const stranger = createClient({ url: `redis://:wrong@127.0.0.1:${server.port}` }, { name: 'x', silentMs: 1_000 });
  t.onTestFinished(() => stranger.disconnect());
  const heard: unknown[] = [];
  stranger.on('error', (error) => heard.push(redisFault(error)));
  stranger.connect().catch(() => undefined);
  await until('its refusal', 5_000, () => heard.length > 0);
  expect(heard[0]).toMatchObject(UNAVAILABLE);
});

test('a script that fails by itself, or on data of another kind, fails again: nobody is told to ask again', async (t) => {
  const { client } = await startOne(t);
  await client.set('key', 1);
  expect(await fault(runScript(client, FAILS, ['key'], ['value']))).toMatchObject({
    code: 'corrupt-state',
    retryable: false,
  });
  expect(await fault(client.eval('return nil + 1', 0))).toMatchObject({ code: 'corrupt-state', retryable: false });
  const wrong = [
    () => client.call('HGETALLL', 'key'),
    () => client.call('GET'),
    () => client.eval('return (', 0),
    () => client.eval('return nobodyKnows', 0),
    () => Promise.reject(new TypeError('no command was made')),
  ];
  for (const mistake of wrong) {
    expect(await fault(mistake())).toMatchObject({ code: 'defect', retryable: false });
  }
});

test('a node that does not hold the key, is moving it, or has lost its slot: ask again; two slots at once: never', async () => {
  await using cluster = await startCluster();
  const [first, second, third] = cluster.servers as [Server, Server, Server];
  const holder = await cluster.primaryOf('{a}1');
  const other = [first, second, third].find((server) => server !== holder)!;
  const ids = await Promise.all([holder, other].map(async ({ client }) => String(await client.cluster('MYID'))));
  expect(await fault(other.client.get('{a}1'))).toMatchObject(saying('MOVED'));
  expect(await fault(holder.client.mget('{a}1', '{other}1'))).toMatchObject({
    code: 'defect',
    retryable: false,
  });

  const slot = Number(await holder.client.cluster('KEYSLOT', '{a}1'));
  await holder.client.set('{a}1', 1);
  await other.client.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', ids[0]!);
  await holder.client.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', ids[1]!);
  expect(await fault(holder.client.get('{a}2'))).toMatchObject(saying('ASK'));
  expect(await fault(holder.client.mget('{a}1', '{a}2'))).toMatchObject(saying('TRYAGAIN'));
  await holder.client.call('CLUSTER', 'SETSLOT', slot, 'STABLE');
  await holder.client.del('{a}1');
  await holder.client.call('CLUSTER', 'DELSLOTS', slot);
  expect(await fault(holder.client.get('{a}1'))).toMatchObject(saying('CLUSTERDOWN'));
});
