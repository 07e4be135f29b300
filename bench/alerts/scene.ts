// A service to hurt: a front, two workers, a Redis and a database of its own, a campaign that buyers join all the time.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Child, freePort, startChild } from '../../test/faults/stage/child.ts';
import { buildClock } from '../../test/faults/stage/clock.ts';
import { type DatabaseServer, startDatabaseServer } from '../../test/faults/stage/database-server.ts';
import { program } from '../../test/faults/stage/needs.ts';
import { type RedisServer, startRedisServer } from '../../test/faults/stage/redis-server.ts';
import { ROOT } from '../../test/helpers/root.ts';
import { steadyLoad } from '../../test/helpers/steady-load.ts';
import type { Owner } from '../../test/helpers/tcp-proxy.ts';
import { until } from '../../test/helpers/until.ts';
import { type Prometheus, startPrometheus } from './prometheus.ts';

export interface Scene {
  redis: RedisServer;
  /** Sets how many seconds Redis's clock is ahead of this machine's; undefined where no C compiler is. */
  setRedisClock: ((aheadSeconds: number) => void) | undefined;
  database: DatabaseServer;
  prometheus: Prometheus;
  front: () => Child;
  startFront: () => Promise<void>;
  workers: () => readonly Child[];
  startWorkers: () => void;
  admin: (method: string, path: string, body?: object) => Promise<number>;
  /** Of the public API. */
  url: string;
  /** The campaign that buyers join. */
  campaign: string;
  /** So many joins a second more, until what it returns is called. */
  crowd: (joinsPerSecond: number) => () => void;
}

const JOINS_PER_SECOND = 20;
/** Two hours of joins and a crowd, and few enough that workers compare the stores of the campaign. */
const STOCK = 190_000;
const WORKERS = 2;
const STARTED_MS = 120_000;
const TOKEN = 'a-token-of-the-drills-only';

/** All of it ends with `t`. Resolves once tickets are issued and Prometheus has scraped all three. */
export async function openScene(t: Owner, folder: string): Promise<Scene> {
  const clock = program('cc') === undefined ? undefined : buildClock(folder);
  const redis = await startRedisServer(t, folder, clock === undefined ? {} : { environment: clock.environment });
  const database = await startDatabaseServer(t, folder);
  await database.sql('CREATE DATABASE drills CHARACTER SET utf8mb4');
  await database.sql('USE drills');
  const [port, adminPort, ...telemetryPorts] = await freePorts(3 + WORKERS);
  const environment = {
    REDIS_URL: redis.url,
    DATABASE_URL: Object.assign(new URL(database.url), { pathname: '/drills' }).href,
    DATA_DIR: join(folder, 'front'),
    ADMIN_TOKEN: TOKEN,
    TICKET_KEYS: `1:${'7e'.repeat(32)}`,
    COUPON_KEY: 'c0'.repeat(32),
    JOINS_PER_ADDRESS_PER_SECOND: '0',
    WORKERS: '0',
    LOG_LEVEL: 'warn',
  };
  const node = (name: string, program: string, settings: Record<string, string>) =>
    startChild({
      name,
      folder,
      command: [process.execPath, join(ROOT, program), ...(name === 'front' ? ['--no-rehearsal'] : [])],
      cwd: ROOT,
      environment: { ...environment, ...settings },
    });
  let front: Child | undefined;
  let workers: Child[] = [];
  const url = `http://127.0.0.1:${port}`;
  const startFront = async () => {
    front = node('front', 'src/main.ts', {
      PORT: String(port),
      ADMIN_PORT: String(adminPort),
      TELEMETRY_PORT: String(telemetryPorts[0]),
    });
    await until('the front is ready', STARTED_MS, async () => {
      if (!front!.isAlive()) throw new Error(`the front ended:\n${front!.output().slice(-2_000)}`);
      return (await fetch(`${url}/readyz`).catch(() => undefined))?.ok;
    });
  };
  const startWorkers = () => {
    workers = Array.from({ length: WORKERS }, (_, n) =>
      node(`worker-${n}`, 'workers/main.ts', {
        WORKER_NAME: `drill-${n}`,
        TELEMETRY_PORT: String(telemetryPorts[1 + n]),
      }),
    );
  };
  t.onTestFinished(async () => {
    for (const child of [...workers, ...(front === undefined ? [] : [front])]) {
      child.signal('SIGCONT');
      await child.end();
    }
  });
  await startFront();
  startWorkers();
  const admin = async (method: string, path: string, body?: object): Promise<number> => {
    const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
    const init = body === undefined ? { method, headers } : { method, headers, body: JSON.stringify(body) };
    return (await fetch(`http://127.0.0.1:${adminPort}${path}`, init)).status;
  };
  const campaign = 'drill';
  await admin('POST', '/admin/campaigns', { id: campaign, stock: STOCK });
  const path = `/v1/campaigns/${campaign}/tickets`;
  const joining = (joinsPerSecond: number, name: string) =>
    steadyLoad(t, url, joinsPerSecond, (n) => ({ method: 'POST', path, headers: { 'x-user-id': `${name}-${n}` } }));
  joining(JOINS_PER_SECOND, 'buyer');
  const prometheus = await startPrometheus(t, folder, [
    { job: 'sluice-front', ports: telemetryPorts.slice(0, 1) },
    { job: 'sluice-worker', ports: telemetryPorts.slice(1) },
  ]);
  await until('all are scraped, and tickets are issued', STARTED_MS, async () => {
    const [up] = await prometheus.query('sum(up)');
    const [rate] = await prometheus.query('sum(rate(sluice_settled_total[1m]))');
    await sleep(1_000);
    return up === 1 + WORKERS && (rate ?? 0) > 1;
  });
  return {
    redis,
    setRedisClock: clock?.set,
    database,
    prometheus,
    front: () => front!,
    startFront,
    workers: () => workers,
    startWorkers,
    admin,
    url,
    campaign,
    crowd: (joinsPerSecond) => {
      const { stop } = joining(joinsPerSecond, 'visitor');
      return () => void stop();
    },
  };
}

async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  for (let n = 0; n < count; n += 1) ports.push(await freePort());
  return ports;
}
