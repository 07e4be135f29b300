// Before a front says that it is ready, its own code has served a crowd: what is compiled meanwhile is compiled for the first buyers.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { WarmUpApp } from '../composition/warm-up.ts';
import { listen } from '../http/listen.ts';
import { untilAborted } from '../process/lifecycle.ts';
import type { WarmUpCrowd } from './warm-up-crowd.ts';

export interface WarmUp {
  /** Ends it early. */
  stopping: AbortSignal;
  onError: (error: unknown) => void;
}

/** As many as V8 needs to optimize what joins run through; a second is what a start may take longer for it. */
const REQUESTS = 1_500;
const PATIENCE_MS = 1_000;
/** Joins that wait together go to the gate together. */
const CONNECTIONS = 64;

/** Sends the application requests on a port of its own on this machine. Never rejects; takes little longer than a second. */
export async function warmUp(app: WarmUpApp, { stopping, onError }: WarmUp): Promise<void> {
  const over = AbortSignal.any([stopping, AbortSignal.timeout(PATIENCE_MS)]);
  if (over.aborted) return;
  try {
    const listener = await listen({ fetch: app.fetch, host: '127.0.0.1', port: 0 });
    try {
      const requests = Array.from({ length: REQUESTS }, (_, n) => app.requestOf(n));
      await crowd({ port: listener.port, requests, connections: CONNECTIONS }, over);
      await Promise.race([app.settled(), untilAborted(over)]);
    } finally {
      await listener.close(0);
    }
  } catch (error) {
    // The front serves all the same; its first answers take longer.
    onError(error);
  }
}

/** Resolves when all were answered, or `over` aborts: its connections are closed then. Rejects with what the thread threw. */
async function crowd(workerData: WarmUpCrowd, over: AbortSignal): Promise<void> {
  const thread = new Worker(new URL('./warm-up-crowd.ts', import.meta.url), { workerData });
  try {
    await Promise.race([once(thread, 'exit'), untilAborted(over)]);
  } finally {
    await thread.terminate();
  }
}
