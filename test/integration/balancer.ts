// A load balancer as small as it may be: asks /readyz, takes turns among those that are ready, keeps connections, and
// retries nothing. What a front does wrong at its end shows as a failed request.
import { Agent, createServer, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'vitest';

export interface Balancer {
  url: string;
  /** Whether the front at this address gets requests. */
  isReady: (front: string) => boolean;
  /** Requests that broke on their way, with the reason. */
  broken: string[];
}

export const PROBE_MS = 100;
/** An idle connection to a front is given up long before the front does: it may end it in the moment of a request. */
const IDLE_MS = 1_000;

export async function startBalancer(t: TestContext, fronts: readonly string[]): Promise<Balancer> {
  const ready = new Set(fronts);
  const broken: string[] = [];
  const agents = new Map(fronts.map((front) => [front, new Agent({ keepAlive: true, timeout: IDLE_MS })]));
  let turn = 0;

  const probe = async (front: string) => {
    const answer = await fetch(`${front}/readyz`, { signal: AbortSignal.timeout(1_000) }).catch(() => undefined);
    if (answer?.ok) ready.add(front);
    else ready.delete(front);
  };
  const probing = setInterval(() => void Promise.all(fronts.map(probe)), PROBE_MS);

  const listener = createServer((incoming, outgoing) => {
    const among = [...ready];
    const front = among[turn++ % Math.max(1, among.length)];
    const fail = (reason: string) => {
      broken.push(`${incoming.method} ${incoming.url}: ${reason}`);
      if (!outgoing.headersSent) outgoing.writeHead(502);
      outgoing.end();
    };
    if (front === undefined) return fail('no front is ready');
    const { method, url, headers } = incoming;
    const passed = send(`${front}${url}`, { method: method!, headers, agent: agents.get(front)! }, (answer) => {
      const { connection: _, 'keep-alive': __, ...passedOn } = answer.headers;
      outgoing.writeHead(answer.statusCode!, passedOn);
      answer.on('error', (error) => fail(String(error)));
      answer.pipe(outgoing);
    });
    passed.on('error', (error) => fail(`${String(error)} of ${front}`));
    incoming.pipe(passed);
  });
  // For the same reason it never ends an idle connection of a client.
  listener.keepAliveTimeout = 0;
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  t.onTestFinished(async () => {
    clearInterval(probing);
    for (const agent of agents.values()) agent.destroy();
    listener.closeAllConnections();
    await new Promise((resolve) => listener.close(resolve));
  });
  const { port } = listener.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, isReady: (front) => ready.has(front), broken };
}
