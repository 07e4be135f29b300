// Before a front says that it is ready, it has answered a crowd: what V8 compiles meanwhile is compiled for the first buyers. The
// crowd asks for a campaign and a ticket that do not exist, so that nothing is stored. It asks the front itself: a second
// application beside it, even one that is gone, made V8 compile for two, and a refusal cost an eighth more from then on.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Listener } from '../http/listen.ts';
import { pathOf } from '../http/path.ts';
import { answerWhileStarting } from '../http/public/starting.ts';
import { untilAborted } from '../process/lifecycle.ts';
import type { WarmUpCrowd, WarmUpWord } from './warm-up-crowd.ts';

export interface WarmUp {
  /** Ends it early. */
  stopping: AbortSignal;
  onError: (error: unknown) => void;
  /** How much longer a start may take for it; a second, unless given. */
  patienceMs?: number;
  /** How much longer for the answers to what has been sent by then; a second, unless given. */
  lastAnswersMs?: number;
}

/** As many as V8 needs to optimize what they run through. */
const REQUESTS = 1_500;
const PATIENCE_MS = 1_000;
const LAST_ANSWERS_MS = 1_000;
const CONNECTIONS = 64;

/** The front that warms up. */
export interface WarmingFront {
  front: { fetch: Parameters<Listener['serve']>[0] };
  /** Whether answers are counted. */
  counting: { isOn: boolean };
}

/**
 * Has the front answer the crowd, uncounted; others hear that it starts, until the listener is given something else to serve.
 * Never rejects; takes little longer than its patience.
 */
export async function warmUp(
  { url, serve }: Pick<Listener, 'url' | 'serve'>,
  { front, counting }: WarmingFront,
  { stopping, onError, patienceMs = PATIENCE_MS, lastAnswersMs = LAST_ANSWERS_MS }: WarmUp,
): Promise<void> {
  const over = AbortSignal.any([stopping, AbortSignal.timeout(patienceMs)]);
  if (over.aborted) return;
  const name = `warm-up-${randomBytes(8).toString('hex')}`;
  const answer: Parameters<Listener['serve']>[0] = (request, env) =>
    pathOf(request).includes(name) ? front.fetch(request, env) : answerWhileStarting(request);
  serve(answer, { isOwnCrowd: true });
  counting.isOn = false;
  try {
    await crowd({ url, requests: requestsFor(name), connections: CONNECTIONS }, over, lastAnswersMs);
  } catch (error) {
    // The front serves all the same; its first answers take longer.
    onError(error);
  } finally {
    counting.isOn = true;
  }
}

/** Every third one is a poll, the others are joins. A caller that wants no trace gets none. */
function requestsFor(name: string): WarmUpCrowd['requests'] {
  const traceparent = `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-00`;
  return Array.from({ length: REQUESTS }, (_, n) =>
    n % 3 === 2
      ? { method: 'GET', path: `/v1/tickets/${name}`, headers: {} }
      : { method: 'POST', path: `/v1/campaigns/${name}/tickets`, headers: { 'x-user-id': `warm-${n}`, traceparent } },
  );
}

/**
 * Resolves when all were answered. Once `over` aborts no more are sent; what was sent is answered while nothing is counted yet,
 * or its connections are closed after `lastAnswersMs`. Rejects with what the thread threw.
 */
async function crowd(workerData: WarmUpCrowd, over: AbortSignal, lastAnswersMs: number): Promise<void> {
  const thread = new Worker(new URL('./warm-up-crowd.ts', import.meta.url), { workerData });
  const exit = once(thread, 'exit');
  try {
    await Promise.race([exit, untilAborted(over)]);
    thread.postMessage('enough' satisfies WarmUpWord);
    await Promise.race([exit, untilAborted(AbortSignal.timeout(lastAnswersMs))]);
  } finally {
    await thread.terminate();
  }
}
