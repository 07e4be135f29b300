// The system under test, started as its users start it: `node src/main.ts` and `node workers/main.ts`, by its contract only.
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { answersOk, freePort, Missing, openFolder, startChild, untilReady } from './processes.ts';

/** The checkout that this file is of. */
export const HERE = fileURLToPath(new URL('..', import.meta.url));

export interface Stores {
  redisUrl: string;
  databaseUrl: string;
}

interface NewCampaign {
  id: string;
  stock: number;
}

/** What the bench reads of a campaign's admin view. */
interface CampaignCounts {
  admitted: number;
  backlog: number;
}

export interface Front extends AsyncDisposable {
  port: number;
  adminPort: number;
  telemetryPort: number;
  pid: number;
  /** The keys of this front, for a worker that shall serve the same campaigns. */
  environment: Record<string, string>;
  /** Where its code is. */
  checkout: string;
  /** One call of the admin API; throws unless it succeeds. A GET that is answered 503 is put again for a minute. */
  admin(method: string, path: string, body?: object): Promise<Record<string, unknown>>;
  createCampaign(campaign: NewCampaign): Promise<void>;
  /** Makes campaigns, so many at a time, and does not wait until the front knows them. */
  createMany(ids: readonly string[], stock: number): Promise<void>;
  counts(id: string): Promise<CampaignCounts>;
  /** The ticket of one new user. */
  join(campaign: string, user: string): Promise<string>;
  /** One join that must be answered with this status. */
  refuse(campaign: string, user: string, status: number): Promise<void>;
}

export const SHARDS = 8;
const CREATED_AT_A_TIME = 4;
const ASK_AGAIN_MS = 50;
const ASKED_FOR_MS = 60_000;
export const joinPath = (campaign: string): string => `/v1/campaigns/${campaign}/tickets`;

/** Starts a front without workers and without per-client limits; every other setting is the default. */
export async function startFront(
  stores: Stores,
  settings: Record<string, string> = {},
  checkout = HERE,
): Promise<Front> {
  const program = join(checkout, 'src/main.ts');
  if (!existsSync(program)) throw new Missing(`${program} does not exist`);
  const [port, adminPort, telemetryPort] = [await freePort(), await freePort(), await freePort()];
  const token = randomBytes(16).toString('hex');
  const environment = {
    SLUICE_PROFILE: 'local',
    REDIS_URL: stores.redisUrl,
    DATABASE_URL: stores.databaseUrl,
    DATA_DIR: openFolder(),
    TICKET_KEYS: `1:${randomBytes(32).toString('hex')}`,
    COUPON_KEY: randomBytes(32).toString('hex'),
    JOINS_PER_USER_PER_SECOND: '0',
    POLLS_PER_CLIENT_PER_SECOND: '0',
    WORKERS: '0',
    ...settings,
  };
  const ports = { PORT: `${port}`, ADMIN_PORT: `${adminPort}`, TELEMETRY_PORT: `${telemetryPort}`, ADMIN_TOKEN: token };
  const child = startChild({
    role: 'contender',
    command: [process.execPath, program, '--no-rehearsal'],
    environment: { ...environment, ...ports },
  });
  await untilReady('src/main.ts', child, () => answersOk(`http://127.0.0.1:${port}/readyz`));
  const admin = async (
    method: string,
    path: string,
    body?: object,
    endsAt = Date.now() + ASKED_FOR_MS,
  ): Promise<Record<string, unknown>> => {
    const response = await fetch(`http://127.0.0.1:${adminPort}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    // A front that sheds load answers 503; a question is put to it again, and a change may have been made.
    if (response.status === 503 && method === 'GET' && Date.now() < endsAt) {
      await sleep(ASK_AGAIN_MS);
      return admin(method, path, body, endsAt);
    }
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
    return JSON.parse(text) as Record<string, unknown>;
  };
  const ask = async (campaign: string, user: string, expected: number): Promise<unknown> => {
    const url = `http://127.0.0.1:${port}${joinPath(campaign)}`;
    const response = await fetch(url, { method: 'POST', headers: { 'x-user-id': user } });
    const text = await response.text();
    if (response.status !== expected) throw new Error(`a join was answered ${response.status}: ${text}`);
    return JSON.parse(text);
  };
  return {
    port,
    adminPort,
    telemetryPort,
    pid: child.pid,
    environment,
    checkout,
    admin,
    async createCampaign({ id, stock }) {
      await admin('POST', '/admin/campaigns', { id, stock, shards: SHARDS, backlogMax: stock });
      // The front takes a new campaign up within its view interval; a refused user is remembered nowhere.
      await untilReady('campaign', child, () => answersOk(`http://127.0.0.1:${port}/v1/campaigns/${id}`));
    },
    async createMany(ids, stock) {
      const left = [...ids];
      const createOn = async () => {
        for (let id = left.pop(); id !== undefined; id = left.pop())
          await admin('POST', '/admin/campaigns', { id, stock, shards: SHARDS, backlogMax: stock });
      };
      await Promise.all(Array.from({ length: CREATED_AT_A_TIME }, createOn));
    },
    counts: async (id) => (await admin('GET', `/admin/campaigns/${id}`)) as unknown as CampaignCounts,
    join: async (campaign, user) => ((await ask(campaign, user, 202)) as { ticket: string }).ticket,
    refuse: async (campaign, user, status) => void (await ask(campaign, user, status)),
    [Symbol.asyncDispose]: child.stop,
  };
}

export interface WorkerProcess extends AsyncDisposable {
  pid: number;
  output(): string;
}

/** Starts one worker beside its front; it is at work as soon as it can be. Its telemetry takes any port, unless one is given. */
export function startWorker(front: Front, name: string, telemetryPort = 0): WorkerProcess {
  const program = join(front.checkout, 'workers/main.ts');
  if (!existsSync(program)) throw new Missing(`${program} does not exist`);
  const environment = { ...front.environment, WORKER_NAME: name, TELEMETRY_PORT: String(telemetryPort) };
  const child = startChild({ role: 'contender', command: [process.execPath, program], environment });
  return { pid: child.pid, output: child.output, [Symbol.asyncDispose]: child.stop };
}
