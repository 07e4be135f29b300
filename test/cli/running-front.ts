// A front of a test file's own: the real process, on the shared servers, stopped when the file's tests are over.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { ownEnvironment } from '../helpers/own-environment.ts';
import { ROOT } from '../helpers/root.ts';
import { databaseUrl, redisUrl } from '../helpers/services.ts';
import { until } from '../helpers/until.ts';
import { type OwnDatabase, ownDatabase } from '../ledger/own-database.ts';

export const READ_TOKEN = 'a-token-that-may-only-read';

export interface RunningFront {
  url: string;
  adminUrl: string;
  adminToken: string;
  /** Where a scrape finds the numbers: the front's first, then those of its workers. */
  metricsUrls: string[];
  dataDir: string;
  /** All that it printed. */
  output: () => string;
}

export interface RunningFrontOptions {
  /** They issue what it sells; 0 leaves every ticket waiting. */
  workers?: number;
  environment?: Record<string, string>;
  /** A database of its own: a worker of another file issues whatever waits in the shared one. */
  isAlone?: boolean;
  /** The same, where the test looks into it. */
  database?: OwnDatabase;
}

/** Call at the top of a test file. */
export function runningFront(options: RunningFrontOptions = {}): RunningFront {
  const { workers = 0, environment = {}, isAlone } = options;
  const database = isAlone ? ownDatabase() : options.database;
  const front: RunningFront = {
    url: '',
    adminUrl: '',
    adminToken: 'a-token-for-tests-and-no-secret',
    metricsUrls: [],
    dataDir: '',
    output: () => said,
  };
  let child: ChildProcess | undefined;
  let said = '';
  beforeAll(async () => {
    front.dataDir = await mkdtemp(join(tmpdir(), 'sluice-front-'));
    const telemetryPort = await freePorts(1 + workers);
    child = spawn(process.execPath, ['src/main.ts', '--no-rehearsal'], {
      cwd: ROOT,
      env: {
        ...ownEnvironment(),
        REDIS_URL: redisUrl(),
        DATABASE_URL: database?.url() ?? databaseUrl(),
        // The shared Redis does not wait for its disk, and a front that promises that it does would not start.
        DURABILITY: 'memory',
        DATA_DIR: front.dataDir,
        ADMIN_TOKEN: front.adminToken,
        ADMIN_READ_TOKEN: READ_TOKEN,
        PORT: '0',
        ADMIN_PORT: '0',
        TELEMETRY_PORT: String(telemetryPort),
        WORKERS: String(workers),
        LOG_LEVEL: 'warn',
        ...environment,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (chunk) => (said += chunk));
    await until(`the front is ready; it said: ${said}`, 30_000, () => {
      if (child!.exitCode !== null) throw new Error(`the front ended: ${said}`);
      return said.includes('Ready.');
    });
    front.url = /sells at\s+(\S+)/.exec(said)![1]!;
    front.adminUrl = /admin API\s+(\S+)/.exec(said)![1]!;
    front.metricsUrls = Array.from({ length: 1 + workers }, (_, n) => `http://127.0.0.1:${telemetryPort + n}/metrics`);
  });
  afterAll(async () => {
    if (child !== undefined && child.exitCode === null) {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      // A second signal does not wait for a drain that no test asked for.
      const impatience = setTimeout(() => child!.kill('SIGTERM'), 5_000);
      await ended;
      clearTimeout(impatience);
    }
    await rm(front.dataDir, { recursive: true, force: true });
  });
  return front;
}

/** The first of `count` neighbouring ports that are free just now. */
async function freePorts(count: number): Promise<number> {
  for (;;) {
    const first = 20_000 + Math.floor(Math.random() * 10_000);
    const free = await Promise.all(Array.from({ length: count }, (_, offset) => isFree(first + offset)));
    if (free.every(Boolean)) return first;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
