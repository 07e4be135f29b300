// What a worker logs and counts of what its duties meet.
import type { WorkerEvents } from '../src/composition/heard.ts';
import type { Log } from '../src/telemetry/log.ts';
import type { WorkerMetrics } from '../src/telemetry/worker-metrics.ts';
import type { WorkerHealth } from './health.ts';

export interface WorkerEventsDeps {
  log: Log;
  metrics: WorkerMetrics;
  health: WorkerHealth;
  onError: (error: unknown) => void;
  stopping: AbortSignal;
}

export const workerEvents = ({ log, metrics, health, onError, stopping }: WorkerEventsDeps): WorkerEvents => ({
  onError,
  onSettled: metrics.settled,
  onInserted: metrics.inserted,
  onIssuedLate: metrics.issuedLate,
  onRetry: metrics.retried,
  onBuried: metrics.buried,
  onLeft: (count) => {
    log.warn({ count }, 'stopped before all received entries were settled; another worker will claim them');
    if (stopping.aborted) process.exitCode = 1;
  },
  onLook: metrics.looked,
  onTurn: health.looked,
  onTurnFailed: health.notLooked,
  onUnreadable: health.unreadable,
  onRead: health.read,
  onVanished: (campaign, seqs) =>
    log.error({ campaign, seqs }, 'entries vanished from a work stream before they were settled'),
  onForeign: (campaign, ids) => log.error({ campaign, ids }, 'dropped entries that no gate wrote from a work stream'),
  onRecovered: (campaign, opening, isOneOfMany) => {
    metrics.recovered(opening.rebuilt);
    log[isOneOfMany ? 'debug' : 'warn']({ campaign, ...opening }, 'gate opened under a new epoch');
  },
  onRecoveryProgress: ({ isOver, ...progress }) =>
    log.warn(progress, isOver ? 'recovered closed gates' : 'recovering closed gates'),
  onAlone: (campaign) =>
    log.error({ campaign }, 'gate stays closed: DURABILITY promises a replica, and its Redis has none'),
  onReconciled: metrics.reconciled,
  onMismatch: (report) =>
    log.error(report, 'gate, streams, retry queue and ledger differ; run sluice reconcile <campaign> for details'),
  onDeadLetters: metrics.deadLetters,
  onRedriven: (reason, count) => log.warn({ reason, count }, 'redrove dead letters by the policy of AUTO_REDRIVE'),
  onCarried: (batches) => {
    const now = Date.now();
    for (const { entries } of batches) metrics.carried(entries.map(({ fields }) => now - Number(fields.admitted_at)));
  },
  onLag: metrics.lag,
  onLost: (count) => {
    metrics.carriedAgain(count);
    log.warn(
      { count },
      'tickets waited although workers were past their records in the topic; the relay carried them again',
    );
  },
  onPublished: metrics.published,
  onOutbox: metrics.outbox,
  onUntold: (count) =>
    log.error(
      { count },
      'removed entries of the outbox that could not be sent to other services for 7 days; each has a batch of tickets',
    ),
  onCounted: metrics.counted,
  onEnded: (campaign, end) => {
    metrics.ended(end);
    log.info({ campaign }, `campaign ${end}`);
  },
  onGateLost: (campaign) =>
    log.error({ campaign }, 'setting change pending: the gate is missing and will receive it after recovery'),
});
