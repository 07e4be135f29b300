// An open-loop load: requests leave when they are due, whatever became of those before. What each of them met is kept.
import { createHttpClient } from '../../src/rehearsal/http-client.ts';
import type { Owner } from './tcp-proxy.ts';

export interface Shot {
  /** ms since the process began. */
  sentAt: number;
  /** ms to the answer, from the moment the request was due. */
  tookMs: number;
  /** 0 when no whole answer came. */
  status: number;
  body: unknown;
}

export interface SteadyLoad {
  shots: Shot[];
  /** Sends no more and waits for what is under way. */
  stop: () => Promise<void>;
}

type Request = { method: 'GET' | 'POST'; path: string; headers?: Record<string, string> };

/** Sends `request(n)` to `url`, `ratePerSecond` times a second, until stopped. */
export function steadyLoad(t: Owner, url: string, ratePerSecond: number, request: (n: number) => Request): SteadyLoad {
  const client = createHttpClient({ baseUrl: url, socketsMax: 1_000, timeoutMs: 15_000 });
  const shots: Shot[] = [];
  const underWay = new Set<Promise<void>>();
  const startedAt = performance.now();
  let sentCount = 0;
  const send = async (dueAt: number): Promise<void> => {
    const result = await client.request(request(sentCount++));
    const answer = result.kind === 'answer' ? result : { status: 0, body: result.reason };
    shots.push({ sentAt: dueAt, tookMs: performance.now() - dueAt, status: answer.status, body: answer.body });
  };
  const timer = setInterval(() => {
    for (;;) {
      const dueAt = startedAt + (sentCount * 1_000) / ratePerSecond;
      if (dueAt > performance.now()) return;
      const shot = send(dueAt).finally(() => underWay.delete(shot));
      underWay.add(shot);
    }
  }, 2);
  const stop = async () => {
    clearInterval(timer);
    await Promise.all(underWay);
  };
  t.onTestFinished(async () => {
    clearInterval(timer);
    client.close();
  });
  return { shots, stop };
}

/** The time that this share of the shots stayed within, ms. */
export function withinMs(shots: readonly Shot[], share: number): number {
  const times = shots.map(({ tookMs }) => tookMs).toSorted((a, b) => a - b);
  return times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN;
}
