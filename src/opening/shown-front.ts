// What a front shows of itself beside its listeners: the state of its breaker, what waits, and a report to Redis from which a
// status learns that it is there.
import { hostname } from 'node:os';
import type { ComposedFront } from '../composition/front.ts';
import { pause } from '../process/lifecycle.ts';
import { limits } from '../process/limits.ts';
import type { RedisClient } from '../redis/connection.ts';
import { createFrontReports } from '../redis/worker-reports.ts';
import type { Telemetry } from '../telemetry/start.ts';
import { breakerMetrics } from '../telemetry/store-metrics.ts';

interface Shown {
  telemetry: Telemetry;
  redis: RedisClient;
}

/** Until `open` is disposed of; the report is taken back then. */
export function showFront(
  service: Pick<ComposedFront, 'breaker' | 'readWaiting' | 'readiness'>,
  { telemetry, redis }: Shown,
  open: AsyncDisposableStack,
): void {
  breakerMetrics('redis', service.breaker);
  telemetry.answerBacklog(service.readWaiting);
  const { report, withdraw } = createFrontReports(redis);
  const name = `${hostname()}-${process.pid}`;
  const stopped = new AbortController();
  // A Redis that is away is reported by everything else that asks it.
  const send = (work: () => Promise<void>) => service.breaker.run(work).catch(() => undefined);
  const reporting = (async () => {
    while (!stopped.signal.aborted) {
      await send(() => report(name, service.readiness.readiness().reasons));
      await pause(limits.workerReportMs, stopped.signal);
    }
    await send(() => withdraw(name));
  })();
  open.defer(() => {
    stopped.abort();
    return reporting;
  });
}
