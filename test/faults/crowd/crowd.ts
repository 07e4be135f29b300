// An open-loop crowd: buyers come when they are due, whether or not the service keeps up; each asks until it has an
// answer that ends, asks again after what is unknown, and follows its ticket to the end.
import { setTimeout as sleep } from 'node:timers/promises';
import { between, type Chance } from '../chance.ts';
import { type Client, openClient, retryAfterOf } from './client.ts';
import { emptyHistory, type History, type JoinAnswer } from './history.ts';

export interface CrowdPlan {
  url: string;
  campaign: string;
  buyers: number;
  perSecond: number;
  chance: Chance;
  /** Name of buyer `index`. */
  nameOf?: (index: number) => string;
  /** Share of buyers who ask again once they hold a ticket. */
  againShare?: number;
  /** Whether tickets are polled to their end. */
  polls?: boolean;
  /** Whether buyers ask again after "unknown" and "later". */
  insists?: boolean;
  /** How long a buyer goes on after it came. */
  patienceMs?: number;
  requestMs?: number;
  /** Waits as long as `Retry-After` says, instead of a fraction of a second. */
  obeys?: boolean;
}

export interface Crowd {
  history: History;
  /** Buyers who had an answer that ends, or gave up. */
  settledCount: () => number;
  /** Resolves when all have an ending answer, their tickets' end, or no patience left. */
  ended: Promise<History>;
  /** Sends everybody home. */
  stop: () => void;
}

const POLL_MS = 150;
const AGAIN_MS = 120;
/** Of a buyer that has polled for a while; of a large crowd all together ask no more than 5,000 times a second. */
const pollMaxMs = (buyers: number): number => Math.max(1_000, buyers / 5);

export function startCrowd(plan: CrowdPlan): Crowd {
  const history = emptyHistory();
  const client = openClient(plan.url, { socketsMax: 200, patienceMs: plan.requestMs ?? 5_000 });
  let stopped = false;
  let settledCount = 0;
  const isStopped = () => stopped;
  const buyers = Array.from({ length: plan.buyers }, async (_, index) => {
    await sleep((index / plan.perSecond) * 1_000);
    const user = plan.nameOf?.(index) ?? `buyer-${index}`;
    const again = plan.chance() < (plan.againShare ?? 0.2);
    await followBuyer({ plan, client, history, user, again, isStopped, onSettled: () => (settledCount += 1) });
  });
  const ended = Promise.all(buyers).then(() => {
    client.close();
    return history;
  });
  return {
    history,
    settledCount: () => settledCount,
    ended,
    stop: () => {
      stopped = true;
    },
  };
}

interface Buyer {
  plan: CrowdPlan;
  client: Client;
  history: History;
  user: string;
  again: boolean;
  isStopped: () => boolean;
  onSettled: () => void;
}

async function followBuyer(buyer: Buyer): Promise<void> {
  const { plan, history, user, again, isStopped, onSettled } = buyer;
  const giveUpAt = performance.now() + (plan.patienceMs ?? 25_000);
  const goesOn = () => !isStopped() && performance.now() < giveUpAt;
  let ticket: string | undefined;
  let before: string | undefined;
  while (goesOn()) {
    const answer = await askToJoin(buyer.client, plan.campaign, user);
    history.joins.push(answer);
    if (answer.kind === 'ok') {
      ticket = answer.ticket;
      // Told twice, the same or not: the checker compares.
      if (!again || before !== undefined) break;
      before = ticket;
    } else if (!(plan.insists ?? true) || isFinal(answer)) break;
    const told = 'retryAfterMs' in answer ? answer.retryAfterMs : undefined;
    await sleep(plan.obeys ? (told ?? AGAIN_MS) : AGAIN_MS + between(plan.chance, 0, AGAIN_MS));
  }
  onSettled();
  if (ticket !== undefined && (plan.polls ?? true)) await followTicket(buyer, ticket, goesOn);
}

const LATER = new Set(['quota-exceeded', 'campaign-paused', 'campaign-not-open']);
const isFinal = (answer: JoinAnswer): boolean => answer.kind === 'refused' && !LATER.has(answer.why);

async function followTicket({ client, history, user, plan, again }: Buyer, ticket: string, goesOn: () => boolean) {
  for (let wait = POLL_MS; goesOn(); wait = Math.min(wait * 1.3, pollMaxMs(plan.buyers))) {
    const status = await poll(client, history, user, ticket);
    if (status === 'issued' || status === 'cancelled' || status === 'failed') {
      // Another tab looks once more: what has ended must stay as it is.
      if (again) await poll(client, history, user, ticket);
      return;
    }
    await sleep(wait * (0.8 + 0.4 * plan.chance()));
  }
}

/** One join; never throws. */
export async function askToJoin(client: Client, campaign: string, user: string): Promise<JoinAnswer> {
  const sentAt = performance.now();
  const path = `/v1/campaigns/${campaign}/tickets`;
  const answer = await client.ask(path, { method: 'POST', headers: { 'x-user-id': user } });
  const told = { user, sentAt, endedAt: performance.now() };
  if ('unknown' in answer)
    return { ...told, kind: 'unknown', status: undefined, why: answer.unknown, retryAfterMs: undefined };
  const { status, body } = answer;
  const retryAfterMs = retryAfterOf(answer);
  if ((status === 202 || status === 200) && typeof body?.ticket === 'string') {
    return { ...told, kind: 'ok', status, ticket: body.ticket, seq: Number(body.seq) };
  }
  const why = typeof body?.type === 'string' ? body.type.replace(/^.*[:#/]/, '') : 'no problem body';
  const isNo = (status >= 400 && status < 500) || why === 'campaign-paused';
  return { ...told, kind: isNo ? 'refused' : 'unknown', status, why, retryAfterMs };
}

/** One poll, written down; its status, or undefined when it told none. */
export async function poll(client: Client, history: History, user: string, ticket: string) {
  const sentAt = performance.now();
  const answer = await client.ask(`/v1/tickets/${ticket}`, { headers: { 'x-user-id': user } });
  const told = { user, ticket, sentAt, endedAt: performance.now() };
  if ('unknown' in answer) {
    history.misses.push({ ...told, status: undefined, why: answer.unknown });
  } else if (answer.status === 200 && typeof answer.body?.status === 'string') {
    const { unit, code } = (answer.body.issuance ?? {}) as { unit?: number; code?: string };
    history.sightings.push({ ...told, status: answer.body.status, unit, code });
    return answer.body.status;
  } else {
    history.misses.push({ ...told, status: answer.status, why: String(answer.body?.type) });
  }
  return undefined;
}
