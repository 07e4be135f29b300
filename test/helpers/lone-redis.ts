// A Redis that nobody starts again: it stays away as long as a test wants, on its port and with its data.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { TestContext } from 'vitest';
import { findRedis } from '../../src/local/binaries.mjs';
import { freePort } from './free-port.ts';

import { testRedis } from './redis.ts';
import { temporaryFolder } from './services.ts';

export interface LoneRedis {
  url: string;
  signal: (name: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL') => void;
  /** After a SIGKILL. */
  start: () => void;
}

export async function loneRedis(t: TestContext): Promise<LoneRedis> {
  const folder = await temporaryFolder(t);
  const port = String(await freePort());
  const options = [
    '--port',
    port,
    '--bind',
    '127.0.0.1',
    '--dir',
    folder,
    '--save',
    '',
    '--appendonly',
    'yes',
    '--appendfsync',
    'always',
  ];
  const run = () => spawn(findRedis()!.path, options, { stdio: 'ignore' });
  let server = run();
  t.onTestFinished(async () => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    server.kill('SIGKILL');
    await once(server, 'exit');
  });
  const url = `redis://127.0.0.1:${port}`;
  await testRedis(t, url).ping();
  return {
    url,
    signal: (name) => void server.kill(name),
    start: () => {
      server = run();
    },
  };
}
