// The campaign of a load: made, changed by the operator's steps, watched until every ticket is issued, closed.
import type { OperatorStep, Shape } from '../../k6/shapes/shape.ts';
import { fieldsOf } from '../rehearsal/answers.ts';
import { CannotRun } from '../rehearsal/cannot-run.ts';
import { createHttpClient, type HttpClient } from '../rehearsal/http-client.ts';
import type { BuyerIdentity } from '../rehearsal/identity.ts';
import {
  awaitOpen,
  closeScratchCampaign,
  makeScratchCampaign,
  scratchCampaignId,
} from '../rehearsal/scratch-campaign.ts';
import { createPauses, monotonicClock, type Pauses } from '../rehearsal/time.ts';

export interface Service {
  url: string;
  adminUrl: string;
  adminToken: string;
}

/** What the admin API says of a campaign, and when, ms since 1970. */
export interface CampaignReading {
  at: number;
  admitted: number;
  issued: number;
  backlog: number;
  retrying: number;
  deadLetters: number;
}

export interface LoadCampaign {
  id: string;
  /** Joins so many buyers, one after another in a few lines. Throws {@link CannotRun} when a join is not answered with a ticket. */
  joinBefore(count: number, seed: string, identity: BuyerIdentity): Promise<{ user: string; ticket: string }[]>;
  /** Takes each step when it is due after `startAt`, ms since 1970. Throws {@link CannotRun} when one is refused. */
  operate(steps: readonly OperatorStep[], startAt: number): Promise<void>;
  /** Throws {@link CannotRun} when the admin API does not say. */
  look(): Promise<CampaignReading>;
  pause(ms: number): Promise<void>;
  /** Ends all pauses. */
  stop(): void;
  /** Closes the campaign and the connections; false when the campaign could not be closed. */
  close(): Promise<boolean>;
}

const SHARDS = 8;
const LINES = 16;
const ADMIN_PATIENCE_MS = 10_000;

/** Makes the campaign and waits until it is open. Throws {@link CannotRun}. */
export async function openCampaign(service: Service, shape: Shape): Promise<LoadCampaign> {
  const id = scratchCampaignId(Date.now(), `load-${shape.name}`);
  const pauses = createPauses();
  const open = (baseUrl: string, socketsMax: number) =>
    createHttpClient({ baseUrl, socketsMax, timeoutMs: ADMIN_PATIENCE_MS });
  const http = open(service.url, LINES);
  const adminHttp = open(service.adminUrl, 2);
  const scratch = { http, adminHttp, adminToken: service.adminToken, clock: monotonicClock, pauses };
  const admin = adminOf(adminHttp, service.adminToken, id);
  const end = () => {
    http.close();
    adminHttp.close();
  };
  try {
    await makeScratchCampaign(scratch, { id, stock: shape.stock, shards: SHARDS });
    await awaitOpen(scratch, id);
  } catch (error) {
    end();
    throw error;
  }
  return {
    id,
    joinBefore: (count, seed, identity) => joinBefore(http, { id, count, seed, identity }),
    operate: (steps, startAt) => operate(admin, pauses, steps, startAt),
    look: async () => readingOf(await admin('GET', '')),
    pause: (ms) => pauses.sleep(ms),
    stop: () => pauses.stop(),
    async close() {
      const closed = await closeScratchCampaign(scratch, id);
      end();
      return closed;
    },
  };
}

type Admin = (
  method: 'GET' | 'POST',
  path: string,
  body?: object,
  headers?: Record<string, string>,
) => Promise<unknown>;

/** The body of the admin API's answer about one campaign. Throws {@link CannotRun} unless it succeeded. */
function adminOf(http: HttpClient, token: string, id: string): Admin {
  return async (method, path, body, headers = {}) => {
    const sent = body === undefined ? {} : { body };
    const result = await http.request({
      method,
      path: `/admin/campaigns/${id}${path}`,
      headers: { authorization: `Bearer ${token}`, ...headers },
      ...sent,
    });
    if (result.kind === 'answer' && result.status < 300) return result.body;
    const why = result.kind === 'answer' ? `${result.status} ${JSON.stringify(result.body)}` : result.reason;
    throw new CannotRun(`the admin API refused ${method} ${path || '/'} of the load's campaign: ${why}`);
  };
}

async function joinBefore(
  http: HttpClient,
  { id, count, seed, identity }: { id: string; count: number; seed: string; identity: BuyerIdentity },
): Promise<{ user: string; ticket: string }[]> {
  const joined: { user: string; ticket: string }[] = [];
  let next = 0;
  const line = async () => {
    while (next < count) {
      const user = `${seed}-before-${next++}`;
      const path = `/v1/campaigns/${id}/tickets`;
      const result = await http.request({ method: 'POST', path, headers: identity.headersOf(user) });
      const ticket = result.kind === 'answer' ? fieldsOf(result.body).ticket : undefined;
      if (typeof ticket !== 'string') throw new CannotRun(`a join before the load met ${JSON.stringify(result)}`);
      joined.push({ user, ticket });
    }
  };
  await Promise.all(Array.from({ length: LINES }, line));
  return joined;
}

async function operate(admin: Admin, pauses: Pauses, steps: readonly OperatorStep[], startAt: number): Promise<void> {
  for (const [n, step] of steps.entries()) {
    await pauses.sleep(Math.max(0, startAt + step.atSecond * 1_000 - Date.now()));
    if (pauses.stopped) return;
    if (step.do === 'add') await admin('POST', '/stock', { add: step.units }, { 'idempotency-key': `load-step-${n}` });
    else await admin('POST', `/${step.do}`);
  }
}

function readingOf(body: unknown): CampaignReading {
  const fields = fieldsOf(body);
  const count = (name: string) => (typeof fields[name] === 'number' ? fields[name] : 0);
  return {
    at: Date.now(),
    admitted: count('admitted'),
    issued: count('issued'),
    backlog: count('backlog'),
    retrying: count('retrying'),
    deadLetters: count('deadLetters'),
  };
}
