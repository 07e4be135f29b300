// What a front shows of itself beside its listeners: the state of its breaker, what waits, and a report to Redis from which a
// status learns that it is there.
import { hostname } from 'node:os';
import type { ComposedFront } from '../composition/front.ts';
import { pause } from '../process/lifecycle.ts';
import { limits } from '../process/limits.ts';
import type { RedisClient } from '../redis/connection.ts';
import { createFrontReports } from '../redis/worker-reports.ts';
import { queueMetrics } from '../telemetry/queue-metrics.ts';
import type { Telemetry } from '../telemetry/start.ts';
import { breakerMetrics } from '../telemetry/store-metrics.ts';

interface Shown {
  telemetry: Telemetry;
  redis: RedisClient;
  /** The campaigns that may be labels of metrics; undefined for the busiest. */
  metricsCampaigns: readonly string[] | undefined;
}

/** Until `open` is disposed of; the report is taken back then. */
export function showFront(
  service: Pick<ComposedFront, 'breaker' | 'queue' | 'readWaiting' | 'readiness'>,
  { telemetry, redis, metricsCampaigns }: Shown,
  open: AsyncDisposableStack,
): void {
  breakerMetrics('redis', service.breaker);
  queueMetrics(service.queue.seen, metricsCampaigns);
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
  const looking = service.queue.keepReading(stopped.signal);
  open.defer(async () => {
    stopped.abort();
    await Promise.all([reporting, looking]);
  });
}
