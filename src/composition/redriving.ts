// What redriving dead letters takes, whether an operator, a policy or the finisher does it, and retries in spans of their own.
import type { AutoRedrivePolicy } from '../domain/auto-redrive.ts';
import type { RetryJob } from '../domain/retry-job.ts';
import { createEachGateReader, createGateReader } from '../gate/redis/gate-reader.ts';
import { createReturns } from '../gate/redis/returns.ts';
import { campaignStore } from '../ledger/campaign-store.ts';
import { listRebuilt } from '../ledger/epochs.ts';
import { cancellationStore, letterStore } from '../ledger/letter-store.ts';
import { createNoticeMarks } from '../redis/notice-marks.ts';
import type { RetryTraces } from '../telemetry/retry-trace.ts';
import type { WorkerEvents } from './heard.ts';
import type { WorkerParts, WorkerSettings } from './worker-parts.ts';

/** Schedules a retry in a span of its own. */
export const scheduleIn =
  ({ retries }: Pick<WorkerParts, 'retries'>, traces: RetryTraces) =>
  (job: RetryJob): Promise<void> =>
    traces.schedule(job, (traced) => retries.schedule(traced));

/** What the duty takes that tells operators of what they did not ask for. */
export function announcingDuty(
  { redis, ledger }: Pick<WorkerParts, 'redis' | 'ledger'>,
  { name, notices }: Pick<WorkerSettings, 'name' | 'notices'>,
  { onError }: Pick<WorkerEvents, 'onError'>,
) {
  const { countDeadLetters, liveCampaigns } = campaignStore(ledger);
  return {
    announcer: {
      tell: notices?.tell,
      lettersMin: notices?.lettersMin ?? 1,
      holder: name,
      marks: createNoticeMarks(redis),
      store: {
        countDeadLetters,
        liveCampaigns,
        listRebuilt: (sinceMs: number | undefined) => listRebuilt(ledger, sinceMs),
      },
      readGates: createEachGateReader(redis),
      onError,
    },
  };
}

/** What the duties take that finish half-done redrives and give-backs, and that redrive by policy. */
export function redrivingDuties(
  parts: WorkerParts,
  { halfDoneMs, autoRedrive }: { halfDoneMs: number; autoRedrive: readonly AutoRedrivePolicy[] },
  { onRedriven, onError }: WorkerEvents,
  traces: RetryTraces,
) {
  const { redis, ledger, guard } = parts;
  const redriving = {
    store: letterStore(ledger),
    returns: createReturns(redis),
    readGates: createGateReader(redis),
    scheduleRetry: scheduleIn(parts, traces),
    onError,
  };
  return {
    finisher: { ...redriving, cancellations: cancellationStore(ledger), idleMs: halfDoneMs },
    redriver: {
      ...redriving,
      policies: autoRedrive,
      isStoreAway: () => guard.breaker.isOpen() || redis.status !== 'ready',
      onRedriven,
    },
  };
}
