// A Redis Cluster of three primaries with a replica each, ready to fail over.
import { Command } from 'ioredis';
import { limits } from '../../src/process/limits.ts';
import { freePort } from '../helpers/free-port.ts';
import { until } from '../helpers/until.ts';
import { infoOf, openServers, PASSWORD, type Server } from './servers.ts';

const SLOTS = 16_384;
/** A failover needs a replica that has finished its first copy: until then a fresh cluster cannot do one. */

export interface TestCluster extends AsyncDisposable {
  url: string;
  /** The first three began as primaries; the replica of the n-th is the (n + 3)-th. */
  servers: Server[];
  /** Who says of itself that it holds this key now. */
  primaryOf(key: string): Promise<Server>;
  replicasOf(primary: Server): Promise<Server[]>;
}

export async function startCluster(): Promise<TestCluster> {
  const opened = await openServers();
  try {
    const servers = await Promise.all(
      Array.from({ length: 6 }, async () =>
        opened.start({
          'cluster-enabled': 'yes',
          'cluster-config-file': 'nodes.conf',
          'cluster-port': await freePort(),
          'cluster-node-timeout': limits.clusterNodeTimeoutMs,
          // One shard that is down must not stop the others.
          'cluster-require-full-coverage': 'no',
          masterauth: JSON.stringify(PASSWORD),
          'maxmemory-policy': 'noeviction',
          appendonly: 'yes',
          appendfsync: 'always',
          'repl-diskless-sync-delay': 0,
        }),
      ),
    );
    await join(servers);
    return {
      url: `redis+cluster://:${encodeURIComponent(PASSWORD)}@${servers.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
      servers,
      primaryOf: (key) => until(`a primary of ${key}`, () => findPrimary(servers, key)),
      replicasOf: async (primary) => {
        const id = String(await primary.client.cluster('MYID'));
        const lines = String(await primary.client.cluster('NODES')).split('\n');
        const ports = lines.filter((line) => line.split(' ')[3] === id).map(portIn);
        return servers.filter(({ port }) => ports.includes(port));
      },
      [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
    };
  } catch (error) {
    await opened[Symbol.asyncDispose]();
    throw error;
  }
}

/** `redis-cli --cluster create` does the same in six seconds. */
async function join(servers: Server[]): Promise<void> {
  const [first] = servers as [Server];
  await Promise.all(
    servers.slice(0, 3).map(async ({ client }, index) => {
      const [from, to] = [Math.ceil((index * SLOTS) / 3), Math.ceil(((index + 1) * SLOTS) / 3) - 1];
      await client.call('CLUSTER', 'ADDSLOTSRANGE', from, to);
      await client.call('CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
    }),
  );
  for (const { client } of servers.slice(1)) {
    const bus = Number(((await first.client.config('GET', 'cluster-port')) as string[])[1]);
    await client.call('CLUSTER', 'MEET', '127.0.0.1', first.port, bus);
  }
  const ids = await Promise.all(servers.map(async ({ client }) => String(await client.cluster('MYID'))));
  const knowsAll = async ({ client }: Server) => {
    const lines = String(await client.cluster('NODES'))
      .trim()
      .split('\n');
    return ids.every((id) => lines.some((line) => line.startsWith(id) && !/handshake|fail/.test(line)));
  };
  await untilAll(servers, 'knows all others', knowsAll);
  await Promise.all(servers.slice(3).map(({ client }, index) => client.cluster('REPLICATE', ids[index]!)));
  await untilAll(servers, 'has its replica, or its primary', async (server) => {
    const replication = await infoOf(server, 'replication');
    if (replication.role === 'master') return /state=online/.test(replication.slave0 ?? '');
    return replication.master_link_status === 'up';
  });
  await untilAll(servers, 'sees a sound cluster with three replicas', async ({ client }) => {
    const nodes = String(await client.cluster('NODES'))
      .trim()
      .split('\n');
    return (
      /cluster_state:ok/.test(String(await client.cluster('INFO'))) &&
      nodes.filter((line) => /slave/.test(line)).length === 3
    );
  });
}

const untilAll = (servers: Server[], what: string, holds: (server: Server) => Promise<boolean>): Promise<unknown> =>
  Promise.all(servers.map((server) => until(`${server.port} ${what}`, () => holds(server))));

async function findPrimary(servers: Server[], key: string): Promise<Server | undefined> {
  const slot = new Command('get', [key]).getSlot()!;
  for (const server of servers) {
    if (!server.isRunning()) continue;
    const ranges = (await server.client.cluster('SLOTS')) as unknown as [number, number, [string, number]][];
    const owner = ranges.find(([from, to]) => from <= slot && slot <= to)?.[2];
    if (owner !== undefined && owner[1] === server.port) return server;
  }
  return undefined;
}

const portIn = (line: string): number => Number(/:(\d+)@/.exec(line)?.[1]);
