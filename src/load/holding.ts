// Whether a generator holds a rate at all: it sends to a server that answers at once, before anything is sent to the service.
import { sendAsDue } from '../rehearsal/arrivals.ts';
import { createHttpClient } from '../rehearsal/http-client.ts';
import { percentile } from '../rehearsal/percentiles.ts';
import { createPauses, monotonicClock } from '../rehearsal/time.ts';

export interface HoldingJob {
  /** Of a server that answers everything at once. */
  url: string;
  perSecond: number;
  seconds: number;
}

export interface Holding {
  /** Requests that were answered, per second from the first one due to the last answer. */
  heldPerSecond: number;
  /** p99 from the moment a request is due to its answer, ms, once it is warm. */
  p99Ms: number;
}

const SOCKETS = 64;
/** Of the requests that are not judged: the first ones open the connections, and are compiled. */
const WARM_SHARE = 0.2;
const TRIAL_PATIENCE_MS = 10_000;

/** Sends so many requests a second for so long. Never rejects. */
export async function hold({ url, perSecond, seconds }: HoldingJob): Promise<Holding> {
  const clock = monotonicClock;
  const http = createHttpClient({ baseUrl: url, socketsMax: SOCKETS, timeoutMs: TRIAL_PATIENCE_MS });
  const tookMs: number[] = [];
  let answeredCount = 0;
  const startMs = clock();
  const arrivals = {
    count: Math.max(1, Math.floor(perSecond * seconds)),
    dueMs: (n: number) => startMs + (n * 1_000) / perSecond,
  };
  await sendAsDue({ clock, pauses: createPauses() }, arrivals, async (n, dueMs) => {
    await http.request({ method: 'POST', path: '/v1/campaigns/trial/tickets', headers: { 'x-user-id': 'trial' } });
    answeredCount += 1;
    if (n >= arrivals.count * WARM_SHARE) tookMs.push(clock() - dueMs);
  });
  const heldPerSecond = answeredCount / Math.max(seconds, (clock() - startMs) / 1_000);
  http.close();
  return { heldPerSecond, p99Ms: percentile(tookMs, 0.99) ?? 0 };
}
