// Reports to Redis that this worker is there and whether it can issue, so that fronts, the doctor and alerts notice when
// no worker is.
import type { Readiness } from '../src/domain/readiness.ts';
import { pause } from '../src/process/lifecycle.ts';
import { limits } from '../src/process/limits.ts';

export interface ReporterDeps {
  readiness: () => Readiness;
  report: (reasons: readonly string[]) => Promise<void>;
  withdraw: () => Promise<void>;
  onError: (error: unknown) => void;
}

/** Reports until `stopping` aborts, then takes the report back: a worker that drains receives nothing more. */
export async function keepReporting(deps: ReporterDeps, stopping: AbortSignal): Promise<void> {
  let wasReady = false;
  while (!stopping.aborted) {
    const { reasons } = deps.readiness();
    await deps.report(reasons).catch(deps.onError);
    wasReady ||= reasons.length === 0;
    // A worker that has just started is ready within moments, and a front that started it waits for that report.
    await pause(wasReady ? limits.workerReportMs : limits.workerReportMs / 10, stopping);
  }
  await deps.withdraw().catch(deps.onError);
}
