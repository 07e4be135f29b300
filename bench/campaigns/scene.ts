// A front on stores of its own with many open campaigns in which nobody buys.
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { withCpu } from '../cpu.ts';
import { residentMb } from '../open-loop.ts';
import { type Front, startFront } from '../sluice.ts';
import { type DatabaseServer, type RedisServer, startDatabase, startRedis } from '../stores.ts';
import { commandCount } from './archived.ts';

/** Until everything has been looked at that a process looks at when it starts. */
export const SETTLE_MS = 10_000;
export const IDLE_MS = 20_000;

export interface Scene extends AsyncDisposable {
  redis: RedisServer;
  database: DatabaseServer;
  front: Front;
}

/** `idleCount` campaigns with the names `idle-0` and so on; `settings` are those of the front and of workers beside it. */
export async function openScene(
  idleCount: number,
  checkout: string,
  settings: Record<string, string> = {},
): Promise<Scene> {
  await using starting = new AsyncDisposableStack();
  const redis = starting.use(await startRedis('everysec'));
  const database = starting.use(await startDatabase());
  const stores = { redisUrl: redis.url, databaseUrl: await database.url('bench') };
  const front = starting.use(await startFront(stores, { DURABILITY: 'memory', ...settings }, checkout));
  await front.createMany(
    Array.from({ length: idleCount }, (_, n) => `idle-${n}`),
    100,
  );
  const stack = starting.move();
  return { redis, database, front, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** Each process's share of a core, in percent, while `ms` pass. */
export async function idleShares(pids: Record<string, number>, ms: number, wait: (ms: number) => Promise<unknown>) {
  const { micros } = await withCpu(pids, () => wait(ms));
  return Object.keys(pids).map((part) => (micros[part]! / ms / 10).toFixed(1));
}

/** Their shares of a core without a buyer, in percent, and the commands a second of this Redis, those of scripts among them. */
export async function idleCost(redisUrl: string, pids: Record<string, number>) {
  const client = new Redis(redisUrl);
  const from = await commandCount(client);
  const shares = await idleShares(pids, IDLE_MS, sleep);
  const commands = (((await commandCount(client)) - from) / IDLE_MS) * 1_000;
  client.disconnect();
  return { shares, commands: commands.toFixed(0) };
}

export const megabytes = (pid: number): string => residentMb(pid).toFixed(0);

/** Connections to a Redis, without the one that asks. */
export async function clientCount(url: string): Promise<number> {
  const client = new Redis(url);
  const clients = String(await client.client('LIST'))
    .trim()
    .split('\n').length;
  client.disconnect();
  return clients - 1;
}
