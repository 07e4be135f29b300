// The service of a load: one that runs on this machine already, or one that the load starts with stores of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CannotRun } from '../rehearsal/cannot-run.ts';
import type { Service } from './campaign.ts';

export interface OwnService extends Service, AsyncDisposable {}

const PROGRAM = fileURLToPath(new URL('../main.ts', import.meta.url));
const START_MS = 120_000;

/**
 * Starts a front with its worker, Redis and MariaDB in a folder of their own, with default settings on free ports. All of it
 * is gone when it is disposed of. Throws {@link CannotRun} with what it printed when it does not start.
 */
export async function startService(environment: Record<string, string | undefined>): Promise<OwnService> {
  await using started = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'sluice-load-'));
  started.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  const adminToken = randomBytes(16).toString('hex');
  const child = spawn(process.execPath, [PROGRAM, '--no-rehearsal'], {
    env: {
      ...environment,
      DATA_DIR: folder,
      ADMIN_TOKEN: adminToken,
      PORT: '0',
      ADMIN_PORT: '0',
      TELEMETRY_PORT: '0',
      LOG_LEVEL: 'error',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own: the terminal's Ctrl-C must reach the load first, which then stops it.
    detached: true,
  });
  started.defer(() => stop(child));
  const said = await untilReady(child);
  const [, url] = /sells at\s+(\S+)/.exec(said) ?? [];
  const [, adminUrl] = /admin API\s+(\S+)/.exec(said) ?? [];
  if (url === undefined || adminUrl === undefined) throw new CannotRun(`the service did not say where it is:\n${said}`);
  const owned = started.move();
  return { url, adminUrl, adminToken, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** All that it printed until it was ready. */
function untilReady(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    const fail = (why: string) => {
      clearTimeout(timer);
      reject(new CannotRun(`the service for the load ${why}:\n${said}`));
    };
    const timer = setTimeout(() => fail(`was not ready after ${START_MS} ms`), START_MS);
    child.once('error', (error) => fail(error.message));
    child.once('exit', (code, signal) => fail(`ended with ${code ?? signal}`));
    const hear = (chunk: Buffer) => {
      said += chunk;
      if (!said.includes('Ready.')) return;
      clearTimeout(timer);
      // Its later lines are read and dropped: a full pipe would hold it up.
      for (const stream of [child.stdout!, child.stderr!]) stream.off('data', hear).resume();
      resolve(said);
    };
    for (const stream of [child.stdout!, child.stderr!]) stream.on('data', hear);
  });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}

/** Whether a load may be sent there: to this machine only, so that no shop is shot at by a slip. */
export function isLoopback(url: string): boolean {
  const { hostname } = new URL(url);
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}
