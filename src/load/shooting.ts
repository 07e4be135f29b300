// One generator process at work: its share of a shape's arrivals, each sent when it is due, and what became of them.
import { dueSecond } from '../../k6/shapes/due.ts';
import { countOf } from '../../k6/shapes/scaled.ts';
import { type Arrivals, CALLS, type Call, type Shape } from '../../k6/shapes/shape.ts';
import { sendAsDue } from '../rehearsal/arrivals.ts';
import { createHttpClient, type HttpClient } from '../rehearsal/http-client.ts';
import type { BuyerIdentity } from '../rehearsal/identity.ts';
import { createLog, type Log } from '../rehearsal/log.ts';
import { createPauses, monotonicClock } from '../rehearsal/time.ts';
import { createActs, type DoAct, type Seen } from './acts.ts';
import { addSample, recorded, type Samples } from './samples.ts';

export interface Shooting {
  url: string;
  identity: BuyerIdentity;
  shape: Shape;
  campaign: string;
  seed: string;
  joinedBefore: readonly { user: string; ticket: string }[];
  /** This process is number `part` (0 for the first) of `parts`: it sends each arrival n with n mod parts = part. */
  part: number;
  parts: number;
  /** When the load begins, ms since 1970: the same for all processes. */
  startAt: number;
  patienceMs: number;
}

export interface Shots extends Seen {
  samples: Samples;
  droppedCount: number;
  /** How much later than due each arrival was sent, ms. */
  lateMs: number[];
  /** Buyers who were given a ticket. */
  acceptedCount: number;
  /** When the last join was answered with a ticket, ms since the load began; 0 when none was. */
  lastAcceptedMs: number;
  /** The first 401 or 403 in the service's words. */
  notAllowed: string | undefined;
}

/** Patience of a request, and of one that waits for a change: longer than the front holds it. */
const REQUEST_PATIENCE_MS = 10_000;
const WAIT_PATIENCE_MS = 40_000;

/** Sends everything and resolves when the last act has ended. Never rejects. */
export async function shoot(shooting: Shooting): Promise<Shots> {
  const clock = monotonicClock;
  const startMs = clock() + shooting.startAt - Date.now();
  const pauses = createPauses();
  const log = createLog();
  const samples: Samples = {};
  const seen: Seen = { heardMs: [], givenBackCount: 0, wrong: {} };
  const { clients, closeAll } = openClients(shooting, { samples, clock, startMs });
  const acts = createActs({ ...shooting, clients, log, clock, pauses, chance: Math.random, seen });
  const lateMs: number[] = [];
  let droppedCount = 0;
  const started = shooting.shape.arrivals.map((arrivals) => {
    const { act, inFlightMax } = arrivals;
    const send = capped(acts[act], Math.ceil(inFlightMax / shooting.parts), () => {
      droppedCount += 1;
    });
    return sendAsDue({ clock, pauses }, shareOf(arrivals, shooting, startMs), (n, dueMs) => {
      lateMs.push(Math.max(0, clock() - dueMs));
      return send(shooting.part + n * shooting.parts, dueMs);
    });
  });
  await Promise.all(started);
  closeAll();
  addJoins(samples, log, startMs);
  return { ...seen, samples, droppedCount, lateMs, ...acceptedIn(log, startMs), notAllowed: log.notAllowed };
}

function shareOf(arrivals: Arrivals, { part, parts }: Shooting, startMs: number) {
  return {
    count: Math.max(0, Math.ceil((countOf(arrivals) - part) / parts)),
    dueMs: (n: number) => startMs + dueSecond(arrivals, part + n * parts) * 1_000,
  };
}

/** `act`, or `drop` while `max` are under way. */
function capped(act: DoAct, max: number, drop: () => void): DoAct {
  let underWayCount = 0;
  return async (n, dueMs) => {
    if (underWayCount >= max) return drop();
    underWayCount += 1;
    try {
      await act(n, dueMs);
    } finally {
      underWayCount -= 1;
    }
  };
}

function openClients({ url, shape, parts }: Shooting, noting: Parameters<typeof recorded>[2]) {
  const socketsMax = Math.ceil(shape.arrivals.reduce((sum, { inFlightMax }) => sum + inFlightMax, 0) / parts);
  const open = (timeoutMs: number) => createHttpClient({ baseUrl: url, socketsMax, timeoutMs });
  const joins = open(REQUEST_PATIENCE_MS);
  const polls = open(REQUEST_PATIENCE_MS);
  const waits = open(WAIT_PATIENCE_MS);
  const clientOf = (call: Call): HttpClient => {
    // Joins are noted by the log, from the moment they are due.
    if (call === 'join') return joins;
    return recorded(call === 'wait' ? waits : polls, call, noting);
  };
  return {
    clients: Object.fromEntries(CALLS.map((call) => [call, clientOf(call)])) as Record<Call, HttpClient>,
    closeAll: () => {
      for (const client of [joins, polls, waits]) client.close();
    },
  };
}

function addJoins(samples: Samples, log: Log, startMs: number): void {
  for (const { intendedMs, answeredMs, status } of log.joins)
    addSample(samples, 'join', { atMs: intendedMs - startMs, tookMs: answeredMs - intendedMs, status });
}

function acceptedIn(log: Log, startMs: number): Pick<Shots, 'acceptedCount' | 'lastAcceptedMs'> {
  const users = new Set<string>();
  let lastAcceptedMs = 0;
  for (const { user, ticket, answeredMs } of log.joins) {
    if (ticket === undefined) continue;
    users.add(user);
    lastAcceptedMs = Math.max(lastAcceptedMs, answeredMs - startMs);
  }
  return { acceptedCount: users.size, lastAcceptedMs };
}
