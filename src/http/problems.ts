// Every no and every fault a client can see, with its stable type URI.

import type { WaitBound } from '../admission/waits.ts';
import { spanClock } from '../domain/clock.ts';
import type { Decision } from '../domain/decision.ts';
import { type Fault, type FaultCode, isFault } from '../domain/fault.ts';
import { type GateView, gateTime } from '../domain/gate-view.ts';
import { isServerErrorKind, type ServerErrorKind } from '../domain/server-error.ts';
import { limits } from '../process/limits.ts';
import { because, becauseOf, misuse, problem, problemText, retryAfter } from './respond.ts';

const own = (slug: string): string => `urn:problem-type:sluice:${slug}`;
const registered = (slug: string): string => `https://iana.org/assignments/http-problem-types#${slug}`;

/** How long a client waits after a 503 before it asks again, ms. */
const UNAVAILABLE_MS = 1_000;
const PAUSED_MS = 5_000;
/** A crowd that waits for an opening is spread over this much time after it, ms. */
const OPENING_SPREAD_MS = 2_000;

/** A problem that is always told in the same words: its body is written once. */
function fixed(body: { type: string; title: string; status: 404 | 409 | 410 }): () => Response {
  const text = JSON.stringify(body);
  return () => problemText(body.status, text);
}

/** The same for those who guess. */
function nothingThere(slug: string, title: string): () => Response {
  const told = fixed({ type: own(slug), title, status: 404 });
  return () => misuse(told());
}

export const notFound = nothingThere('not-found', 'There is nothing at this path');

export const unknownCampaign = nothingThere('unknown-campaign', 'There is no such campaign');

/** One body for forged, truncated, foreign and unknown tickets: the answer tells a guesser nothing. */
export const unknownTicket = nothingThere('unknown-ticket', 'There is no such ticket');

export const unidentified = ({ detail, challenge }: { detail: string; challenge?: string }): Response =>
  misuse(
    problem(
      { type: own('unidentified'), title: 'The request does not identify a user', status: 401, detail },
      challenge === undefined ? undefined : { 'www-authenticate': challenge },
    ),
  );

export const forbidden = (detail: string): Response =>
  problem({ type: own('forbidden'), title: 'This token is not allowed to do this', status: 403, detail });
/** The gate calls it issued and the ledger has no row of it: giving it back could sell a unit twice. */
export const unaccountedTicket = (): Response =>
  problem({
    type: own('ticket-unaccounted'),
    title: 'This ticket cannot be given back; please contact the shop',
    status: 409,
  });

export const bodyTooLarge = (): Response =>
  misuse(problem({ type: own('body-too-large'), title: 'The request body is too large', status: 413 }));

/** What one client may ask in a window; `name` is the policy's in the RateLimit fields. */
export interface Quota {
  name: string;
  count: number;
  windowSeconds: number;
}

export const tooMany = (waitMs: number, { name, count, windowSeconds }: Quota): Response =>
  misuse(
    problem(
      {
        type: registered('quota-exceeded'),
        title: 'This client sends too many requests',
        status: 429,
        'violated-policies': [name],
      },
      {
        ...retryAfter(waitMs),
        'ratelimit-policy': `"${name}";q=${count};w=${windowSeconds}`,
        ratelimit: `"${name}";r=0;t=${seconds(waitMs)}`,
      },
    ),
  );

const BUSY_WAITS = {
  ticket: { name: 'waits-per-ticket', count: limits.waitsPerTicketMax, whose: 'This ticket' },
  identity: { name: 'waits-per-user', count: limits.waitsPerIdentityMax, whose: 'This user' },
};

/** The answer to a client that would wait where `bound` is reached: it says what costs less, and when. */
export function tooManyWaits(bound: WaitBound, { pollAfterMs }: { pollAfterMs: number }): Response {
  if (bound === 'front') {
    return unavailable('This front has as many waiting clients as it can carry. Poll the ticket instead.', {
      kind: 'streams-full',
    });
  }
  const { name, count, whose } = BUSY_WAITS[bound];
  return misuse(
    problem(
      {
        type: own('too-many-waits'),
        title: 'Too many requests are waiting at the same time',
        status: 429,
        detail: `${whose} has ${count} open long-polls and event streams already. Close one of them, or poll the ticket after Retry-After without Prefer: wait and without Accept: text/event-stream.`,
        'violated-policies': [name],
      },
      { ...retryAfter(pollAfterMs), 'ratelimit-policy': `"${name}";q=${count};qu="concurrent-requests"` },
    ),
  );
}

/** `kind` is for the log and the metric. */
export const unavailable = (
  detail: string,
  { waitMs = UNAVAILABLE_MS, kind = 'other' }: { waitMs?: number; kind?: ServerErrorKind } = {},
): Response =>
  because(
    kind,
    detail,
    problem(
      {
        type: registered('temporary-reduced-capacity'),
        title: 'The service cannot answer now; please try again',
        status: 503,
        detail,
      },
      retryAfter(waitMs),
    ),
  );

const REDUCED_CAPACITY = registered('temporary-reduced-capacity');

/** A 503 that must cost next to nothing: its body is written once. */
function cheapRefusal(kind: ServerErrorKind, detail: string): (cause: string) => Response {
  const title = 'The service cannot answer now; please try again';
  const text = JSON.stringify({ type: REDUCED_CAPACITY, title, status: 503, detail });
  return (cause) => becauseOf(kind, cause, REDUCED_CAPACITY, problemText(503, text, retryAfter(UNAVAILABLE_MS)));
}

/** The refusal of an overload, which takes what was too slow. */
export const overloaded = cheapRefusal(
  'overloaded',
  'This front is overloaded and refused the request without looking at it. Please try again.',
);

const guessed = cheapRefusal(
  'guessed',
  'Clients ask for too many campaigns that this front does not know. It did not look for this one. Please try again.',
);

/** The refusal of a campaign id that may be a guess, while ids are guessed. */
export const guessedTooOften = (): Response => misuse(guessed('clients ask for too many unknown campaign ids'));

export const ended = fixed({ type: own('campaign-ended'), title: 'The campaign has ended', status: 410 });

/** Of a campaign that was purged, and of its tickets: no store knows them any more. */
const purged = fixed({
  type: own('campaign-purged'),
  title: 'The campaign has ended, and the shop has deleted its tickets',
  status: 410,
});

export type Refusal = Exclude<Decision, { kind: 'admitted' | 'known' }>;

/** The refusal of a crowd: told most often, and always in the same words. */
const soldOut = fixed({ type: own('sold-out'), title: 'All units are taken', status: 409 });

/** The answer to a join that was refused. */
export function refused(refusal: Refusal, view: GateView): Response {
  const redisNow = gateTime(view, spanClock());
  switch (refusal.kind) {
    case 'sold-out':
      return soldOut();
    case 'throttled':
      return throttled(refusal.waitMs, view);
    case 'backlogged':
      return unavailable('The queue is full. You have not been given a place; please try again.', {
        kind: 'backlogged',
      });
    case 'not-open':
      return notOpen(refusal.opensAt, redisNow);
    case 'paused':
      return because(
        'paused',
        'The campaign is paused',
        problem({ type: own('campaign-paused'), title: 'The campaign is paused', status: 503 }, retryAfter(PAUSED_MS)),
      );
    case 'ended':
      return ended();
    case 'recovering':
      return unavailable(
        'The campaign is recovering from a fault. For a moment only buyers who hold a ticket are admitted; please try again.',
        {
          waitMs: Math.max(UNAVAILABLE_MS, view.recoveringUntil - redisNow),
          kind: 'recovering',
        },
      );
    case 'expired':
      return unavailable('The gate was too slow, so the join was not decided. Please try again.', { kind: 'expired' });
  }
}

function throttled(waitMs: number, { ratePerSecond, burst }: GateView): Response {
  const policy = `"admission";q=${Math.max(burst, ratePerSecond)};w=${Math.ceil(burst / ratePerSecond) || 1}`;
  return problem(
    {
      type: registered('quota-exceeded'),
      title: 'More buyers are joining than the campaign admits at the moment',
      status: 429,
      'violated-policies': ['admission'],
    },
    { ...retryAfter(waitMs), 'ratelimit-policy': policy, ratelimit: `"admission";r=0;t=${seconds(waitMs)}` },
  );
}

function notOpen(opensAt: number, redisNow: number): Response {
  const waitMs = Math.max(0, opensAt - redisNow) + Math.random() * OPENING_SPREAD_MS;
  return problem(
    {
      type: own('campaign-not-open'),
      title: 'The campaign is not open yet',
      status: 409,
      opensAt: new Date(opensAt).toISOString(),
    },
    { 'retry-after': String(Math.ceil(waitMs / 1_000)) },
  );
}

export const methodNotAllowed = (allowed: readonly string[]): Response =>
  misuse(
    problem(
      { type: own('method-not-allowed'), title: 'This path does not support this method', status: 405 },
      { allow: allowed.join(', ') },
    ),
  );

export const notUnderstood = (): Response =>
  problem({ type: 'about:blank', title: 'The request was not understood', status: 400 });

const TITLES: Record<number, string> = {
  400: 'The body is not well-formed JSON',
  401: 'The bearer token is missing or wrong',
  413: 'The request body is too large',
  415: 'The body must be application/json',
};

/** The problem of a bare status that a library decided on; a challenge it made is kept. */
export function ofStatus(status: number, sent?: Headers): Response {
  const challenge = sent?.get('www-authenticate');
  // A challenge comes with 400 too, for credentials of another scheme.
  const title = TITLES[challenge ? 401 : status] ?? 'The request was not understood';
  const headers = challenge ? { 'www-authenticate': challenge } : undefined;
  return misuse(problem({ type: 'about:blank', title, status }, headers));
}

const FAULT_STATUS: Partial<Record<FaultCode, number>> = { conflict: 409, invalid: 422, 'not-found': 404 };

/** What a fault looks like from outside: it says whether asking again helps, never what broke. */
export function faulted(error: unknown): Response {
  const response = answerTo(error);
  return response.status < 500 ? response : because(kindOf(error), error, response);
}

function kindOf(error: unknown): ServerErrorKind {
  if (!isFault(error)) return 'internal';
  // What the API had accepted and the ledger did not: a bound of ours is wrong.
  if (isRefusalOfTheLedger(error)) return 'defect';
  return isServerErrorKind(error.code) ? error.code : 'other';
}

/** Our own refusals have no cause. */
const isRefusalOfTheLedger = ({ code, cause }: Fault): boolean =>
  cause !== undefined && (code === 'invalid' || code === 'conflict');

function answerTo(error: unknown): Response {
  if (isFault(error)) {
    if (error.retryable)
      return unavailable('The outcome of the request is unknown. It is safe to send the same request again.');
    if (error.code === 'unidentified') {
      return unidentified({
        detail: "We lost this ticket's place in the queue. Poll again, signed in as its owner, to get it back.",
      });
    }
    if (error.code === 'archived') return ended();
    if (error.code === 'purged') return purged();
    const status = FAULT_STATUS[error.code];
    if (status !== undefined && !isRefusalOfTheLedger(error)) {
      return problem({ type: own(error.code), title: error.message, status });
    }
  }
  return problem({
    type: own('internal'),
    title: 'Something broke on our side',
    status: 500,
    detail:
      'This is a fault in Sluice or in its data, not an outage; sending the request again does not help. The log of this front has the cause.',
  });
}

const seconds = (ms: number): number => Math.max(1, Math.ceil(ms / 1_000));
