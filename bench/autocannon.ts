// The load generator for machines without wrk, as a program of its own so that it can be pinned to a core.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { crowd } from './crowd.ts';
import type { Load, LoadResult } from './load.ts';
import { serveJobs } from './peers/job.ts';

interface Request {
  method: 'GET' | 'POST';
  path: string;
  headers?: Record<string, string>;
  setupRequest?: (request: Request) => Request;
}

interface Result {
  requests: { total: number };
  latency: { p50: number; p99: number };
  duration: number;
  non2xx: number;
  errors: number;
  timeouts: number;
}

/** What the bench uses of autocannon, which brings no types. */
type Autocannon = (options: {
  url: string;
  connections: number;
  duration: number;
  requests: Request[];
}) => Promise<Result>;

const autocannon: Autocannon = createRequire(import.meta.url)('autocannon');

serveJobs(async (load: Load): Promise<LoadResult> => {
  let n = 0;
  const tokens = load.tokensFile === undefined ? [] : readFileSync(load.tokensFile, 'utf8').split('\n');
  const result = await autocannon({
    url: `http://127.0.0.1:${load.port}`,
    connections: load.connections,
    duration: load.seconds,
    requests: [
      {
        method: load.method,
        path: load.paths[0]!,
        setupRequest: (request: Request): Request => {
          n += 1;
          const path = load.paths[n % load.paths.length]!;
          if (tokens.length > 0) {
            return { ...request, path, headers: { authorization: `Bearer ${tokens[n % tokens.length]}` } };
          }
          if (load.crowd === undefined) return { ...request, path };
          return { ...request, path, headers: { 'x-user-id': crowd(load.crowd, n) } };
        },
      },
    ],
  });
  const requests = result.requests.total;
  const elapsedMs = result.duration * 1000;
  return {
    requests,
    elapsedMs,
    ratePerSecond: (requests / elapsedMs) * 1000,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
    refusedCount: result.non2xx,
    brokenCount: result.errors + result.timeouts,
  };
});
