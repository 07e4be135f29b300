// Before a front says that it is ready, its own code has served a crowd: what is compiled meanwhile is compiled for the first buyers.
import { Agent, request } from 'node:http';
import type { WarmUpApp } from '../composition/warm-up.ts';
import { listen } from '../http/listen.ts';
import { untilAborted } from '../process/lifecycle.ts';

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
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  try {
    const listener = await listen({ fetch: app.fetch, host: '127.0.0.1', port: 0 });
    let sent = 0;
    const line = async () => {
      while (sent < REQUESTS && !over.aborted) await answered(agent, listener.port, app.requestOf(sent++));
    };
    try {
      await Promise.all(Array.from({ length: CONNECTIONS }, line));
      await Promise.race([app.settled(), untilAborted(over)]);
    } finally {
      agent.destroy();
      await listener.close(0);
    }
  } catch (error) {
    // The front serves all the same; its first answers take longer.
    onError(error);
  }
}

function answered(agent: Agent, port: number, asked: ReturnType<WarmUpApp['requestOf']>): Promise<void> {
  return new Promise((resolve, reject) => {
    request({ agent, host: '127.0.0.1', port, ...asked }, (response) => {
      response.resume().once('end', resolve).once('error', reject);
    })
      .once('error', reject)
      .end();
  });
}
