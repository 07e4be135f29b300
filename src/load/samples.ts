// What a generator process saw of each call, in columns: a million of them must fit, and go to the parent process.
import type { Call } from '../../k6/shapes/shape.ts';
import type { HttpClient } from '../rehearsal/http-client.ts';
import type { MonotonicClock } from '../rehearsal/time.ts';

/** One request a row. Times in ms; `atMs` since the load began, `status` 0 when no whole answer came. */
export interface Column {
  atMs: number[];
  tookMs: number[];
  status: number[];
}

export type Samples = Partial<Record<Call, Column>>;

/** Adds one request. */
export function addSample(samples: Samples, call: Call, row: { atMs: number; tookMs: number; status: number }): void {
  samples[call] ??= { atMs: [], tookMs: [], status: [] };
  const column = samples[call];
  column.atMs.push(row.atMs);
  column.tookMs.push(row.tookMs);
  column.status.push(row.status);
}

/** The samples of several processes as those of one. */
export function mergeSamples(all: readonly Samples[]): Samples {
  const merged: Samples = {};
  for (const samples of all) {
    for (const [call, { atMs, tookMs, status }] of Object.entries(samples) as [Call, Column][]) {
      for (let row = 0; row < atMs.length; row += 1)
        addSample(merged, call, { atMs: atMs[row]!, tookMs: tookMs[row]!, status: status[row]! });
    }
  }
  return merged;
}

/** `http`, with each request noted as one of `call`, from the moment it is asked for: the wait for a socket counts. */
export function recorded(
  http: HttpClient,
  call: Call,
  deps: { samples: Samples; clock: MonotonicClock; startMs: number },
): HttpClient {
  return {
    close: () => http.close(),
    async request(request) {
      const askedMs = deps.clock();
      const result = await http.request(request);
      const status = result.kind === 'answer' ? result.status : 0;
      addSample(deps.samples, call, { atMs: askedMs - deps.startMs, tookMs: deps.clock() - askedMs, status });
      return result;
    },
  };
}
