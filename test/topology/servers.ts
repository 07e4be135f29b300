// Redis servers for a test of topologies: started on free ports, stopped, frozen, killed and started again, by pid.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { findProgram, findRedis, serverSearchPath } from '../../src/local/binaries.mjs';
import { freePort } from '../helpers/free-port.ts';
import { until } from '../helpers/until.ts';

/** Of all servers that hold data; the Sentinels have one of their own. */
export const PASSWORD = 'a data/password@tests';
export const SENTINEL_PASSWORD = 'a-sentinel-password';

export interface Server {
  port: number;
  /** For commands of the test; waits while the server is away. */
  client: Redis;
  freeze(): void;
  thaw(): void;
  /** False from `kill` until `start`: a command of the client would wait for the server. */
  isRunning(): boolean;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** On what it left on disk; resolves when it answers. */
  start(): Promise<void>;
}

export interface Servers extends AsyncDisposable {
  /** Starts one with this configuration, and what all have. */
  start(
    settings: Record<string, string | number>,
    options?: { sentinel?: boolean; password?: string },
  ): Promise<Server>;
}

/** Nothing of them is left when it is disposed. */
export async function openServers(): Promise<Servers> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-topology-'));
  const started: { end: () => Promise<void> }[] = [];
  return {
    async start(settings, { sentinel = false, password = PASSWORD } = {}) {
      const port = await freePort();
      const dir = join(folder, String(port));
      await mkdir(dir);
      const config = join(dir, 'redis.conf');
      const shared = {
        port,
        bind: '127.0.0.1',
        dir,
        requirepass: JSON.stringify(password),
        save: '""',
        loglevel: 'notice',
      };
      const lines = Object.entries({ ...shared, ...settings }).map(
        ([name, value]) => `${name.replace(/#\d+$/, '')} ${value}`,
      );
      await writeFile(config, `${lines.join('\n')}\n`);
      const server = createRunning(dir, [config, ...(sentinel ? ['--sentinel'] : [])], port, password);
      started.push(server);
      await server.start();
      return server;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(started.map((server) => server.end()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function createRunning(dir: string, args: string[], port: number, password: string): Server & { end(): Promise<void> } {
  let child: ChildProcess | undefined;
  let ended: Promise<unknown> = Promise.resolve();
  const client = new Redis({
    port,
    password,
    protocol: 2,
    retryStrategy: () => 50,
    maxRetriesPerRequest: null,
    lazyConnect: true,
  });
  client.on('error', () => undefined);
  let isRunning = false;
  const signal = (name: NodeJS.Signals) => void child?.kill(name);
  const kill = async () => {
    isRunning = false;
    signal('SIGKILL');
    await ended;
  };
  return {
    port,
    client,
    isRunning: () => isRunning,
    freeze: () => signal('SIGSTOP'),
    thaw: () => signal('SIGCONT'),
    kill,
    async start() {
      const [command, ...rest] = tied([findRedis()!.path, ...args]);
      const running = spawn(command!, rest, { cwd: dir, stdio: 'ignore' });
      child = running;
      ended = new Promise((resolve) => running.once('exit', resolve));
      await until(`an answer of port ${port}`, () => {
        if (running.exitCode !== null) throw new Error(`redis-server of port ${port} ended: ${running.exitCode}`);
        return answers(port, password);
      });
      isRunning = true;
    },
    end: async () => {
      client.disconnect();
      await kill();
    },
  };
}

async function answers(port: number, password: string): Promise<boolean> {
  const probe = new Redis({
    port,
    password,
    lazyConnect: true,
    retryStrategy: null,
    connectTimeout: 500,
    commandTimeout: 500,
  });
  probe.on('error', () => undefined);
  try {
    await probe.connect();
    return (await probe.ping()) === 'PONG';
  } catch {
    return false;
  } finally {
    probe.disconnect();
  }
}

/** On Linux the kernel kills the server with the test run, also a frozen one. */
function tied(command: string[]): string[] {
  const setpriv = process.platform === 'linux' ? findProgram(['setpriv'], serverSearchPath()) : undefined;
  return setpriv === undefined ? command : [setpriv, '--pdeathsig', 'KILL', '--', ...command];
}

/** The fields of an INFO section. */
export async function infoOf(server: Server, section: string): Promise<Record<string, string>> {
  const lines = (await server.client.info(section)).split('\r\n').filter((line) => line.includes(':'));
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]));
}
