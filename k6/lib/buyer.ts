// A buyer: joins, comes back when the service says so, and follows the ticket to its end.
import { check, sleep } from 'k6';
import http, { type Params, type Response } from 'k6/http';
import { givesBack, waitHeaders } from '../shapes/habits.ts';
import type { Call } from '../shapes/shape.ts';
import { decisions, heard } from './metrics.ts';
import { settings } from './settings.ts';

export interface Buyer {
  campaign: string;
  n: number;
  user: string;
}

export interface Ticket {
  ticket: string;
  status: string;
  pollAfterMs: number;
}

/** A ticket and the buyer it is of. */
export interface Joined {
  user: string;
  ticket: string;
}

const { url, shape, patienceMs } = settings;

/** Times that a buyer asks again after no answer. */
const UNANSWERED_MAX = 5;
/** Wait where the answer names none, s. */
const WAIT_SECONDS = 1;
/** Longer than a front holds a request that waits. */
const TIMEOUTS: Partial<Record<Call, string>> = { wait: '40s' };

/** A join, asked again after `Retry-After` while that may help; the ticket, if there is one. */
export function join({ campaign, user }: Buyer): Ticket | undefined {
  const path = `/v1/campaigns/${campaign}/tickets`;
  const deadline = Date.now() + patienceMs;
  for (let unanswered = 0; ; ) {
    const response = http.post(`${url}${path}`, null, paramsOf('join', user));
    decisions.add(1, { decision: decisionOf(response) });
    const { status } = response;
    if (status === 200 || status === 202) return ticketIn(response);
    if (status === 0 || status >= 500) unanswered += 1;
    const waitSeconds = Number(response.headers['Retry-After']) || WAIT_SECONDS;
    const mayAsk = status === 0 || status === 429 || status >= 500;
    if (!mayAsk || unanswered > UNANSWERED_MAX || Date.now() + waitSeconds * 1_000 > deadline) return undefined;
    sleep(waitSeconds);
  }
}

/** Follows the ticket as the shape's buyers do, until it has ended or patience has. Gives the last status. */
export function follow({ n, user }: Buyer, { ticket, status: first, pollAfterMs }: Ticket): string {
  const joinedAt = Date.now();
  let [status, waitMs] = [first, pollAfterMs];
  while (!isFinal(status) && Date.now() - joinedAt < patienceMs) {
    const waits = shape.followBy === 'browser';
    if (!waits) sleep(waitMs / 1_000);
    const response = get(waits ? 'wait' : 'poll', user, `/v1/tickets/${ticket}`, waits ? waitHeaders(n) : {});
    const told = ticketIn(response);
    if (told === undefined) sleep(Number(response.headers['Retry-After']) || WAIT_SECONDS);
    else [status, waitMs] = [told.status, told.pollAfterMs];
  }
  check(status, { 'a ticket that is followed is issued': (last) => last === 'issued' });
  if (status === 'issued') heard.add(Date.now() - joinedAt);
  return status;
}

export function pollOnce({ user, ticket }: Joined): void {
  get('poll', user, `/v1/tickets/${ticket}`);
}

/** Every call of the public API once: the campaign, a join, the same join, polls to the end, half of them a give-back. */
export function journey(buyer: Buyer): void {
  const { campaign, n, user } = buyer;
  get('campaign', user, `/v1/campaigns/${campaign}`);
  const joined = join(buyer);
  if (joined === undefined) return;
  check(join(buyer), { 'the same buyer gets the same ticket': (again) => again?.ticket === joined.ticket });
  if (follow(buyer, joined) !== 'issued' || !givesBack(n)) return;
  const path = `/v1/tickets/${joined.ticket}`;
  const given = http.del(`${url}${path}`, null, paramsOf('give-back', user));
  if (given.status !== 200) return;
  const last = ticketIn(get('poll', user, path));
  check(last, { 'a ticket that was given back is cancelled': (told) => told?.status === 'cancelled' });
}

const get = (call: Call, user: string, path: string, headers: Record<string, string> = {}): Response =>
  http.get(`${url}${path}`, paramsOf(call, user, headers));

function paramsOf(call: Call, user: string, headers: Record<string, string> = {}): Params {
  const { gatewaySecret } = settings;
  const timeout = TIMEOUTS[call];
  return {
    headers: {
      'x-user-id': user,
      ...(gatewaySecret === undefined ? {} : { 'x-gateway-secret': gatewaySecret }),
      ...headers,
    },
    // Every ticket has a URL of its own, and must not have a time series of its own.
    tags: { name: call },
    responseCallback: http.expectedStatuses(...shape.answers[call]),
    ...(timeout === undefined ? {} : { timeout }),
  };
}

const isFinal = (status: string): boolean => ['issued', 'failed', 'cancelled'].includes(status);

/** The ticket of a 200 or 202; of an event stream that has ended that of its last event. */
function ticketIn({ status, headers, body }: Response): Ticket | undefined {
  if ((status !== 200 && status !== 202) || typeof body !== 'string') return undefined;
  const isStream = (headers['Content-Type'] ?? '').startsWith('text/event-stream');
  const text = isStream ? body.slice(body.lastIndexOf('\ndata:') + '\ndata:'.length).split('\n')[0]! : body;
  return JSON.parse(text) as Ticket;
}

/** `admitted`, `known`, the last word of the problem's type, or `unanswered`. */
function decisionOf({ status, body }: Response): string {
  if (status === 202) return 'admitted';
  if (status === 200) return 'known';
  const type =
    typeof body === 'string' && body.startsWith('{') ? (JSON.parse(body) as { type?: string }).type : undefined;
  return type?.split(/[:#/]/).pop() ?? 'unanswered';
}
