// What the duties of a worker report.

import type { Batch } from '../broker/port.ts';
import type { Phase } from '../domain/campaign.ts';
import type { RoundSums } from '../domain/comparison-sums.ts';
import type { RetryJob } from '../domain/retry-job.ts';
import type { SettledWork } from '../domain/settled-work.ts';
import type { OutboxSize } from '../outbox/port.ts';
import type { RecoveryProgress } from '../recovery/progress.ts';
import type { Recovery } from '../recovery/recover.ts';
import type { ReconcileReport } from '../recovery/report.ts';

/** What a worker logs, counts, and judges its own health by. */
export interface WorkerEvents {
  onError: (error: unknown) => void;
  onSettled: (work: SettledWork) => void;
  /** Rows that a batch wrote to the ledger, and the seconds that took. */
  onInserted: (rowCount: number, seconds: number) => void;
  /** A ticket that a retry issued. */
  onIssuedLate: (job: RetryJob) => void;
  onRetry: (reason: string) => void;
  /** A ticket was kept as a dead letter. */
  onBuried: (reason: string) => void;
  /** Entries that the worker had received and leaves unsettled. */
  onLeft: (count: number) => void;
  /** Tickets that wait, and that are being retried, over all campaigns; after every look that went well. */
  onLook: (backlog: number, retrying: number) => void;
  /** The lines of these lanes were read, by their name. */
  onTurn: (lanes: string) => void;
  /** They could not be read; `cause` is a slug. */
  onTurnFailed: (lanes: string, cause: string) => void;
  /** A campaign with tickets could not be read; then, that it was, or has none any more. */
  onUnreadable: (campaign: string) => void;
  onRead: (campaign: string) => void;
  onVanished: (campaign: string, seqs: number[]) => void;
  onForeign: (campaign: string, ids: string[]) => void;
  /** `isOneOfMany` when the progress of all is told, too. */
  onRecovered: (campaign: string, recovery: Recovery, isOneOfMany: boolean) => void;
  onRecoveryProgress: (progress: RecoveryProgress) => void;
  onAlone: (campaign: string) => void;
  onReconciled: (found: RoundSums) => void;
  onMismatch: (report: ReconcileReport) => void;
  /** How many wait for a person, by reason. */
  onDeadLetters: (counts: ReadonlyMap<string, number>) => void;
  /** Live campaigns by phase. */
  onCounted: (phases: Record<Phase, number>) => void;
  /** Dead letters of a reason that a policy redrove in one look. */
  onRedriven: (reason: string, count: number) => void;
  onGateLost: (campaign: string) => void;
  onEnded: (campaign: string, end: 'archived' | 'purged') => void;
  /** Batches that the relay has carried to the other broker. */
  onCarried: (batches: readonly Batch[]) => void;
  /** By partition, records of the topic that the workers have not committed; seen by the relay. */
  onLag: (records: readonly number[]) => void;
  /** Tickets whose records workers had passed, and that the relay has carried again. */
  onLost: (count: number) => void;
  /** Entries of the outbox that services were told of, each with one batch of tickets. */
  onPublished: (count: number) => void;
  /** What waits in the outbox, seen by the worker whose turn it is. */
  onOutbox: (size: OutboxSize) => void;
  /** Entries that were removed because no service could be told of them for too long. */
  onUntold: (count: number) => void;
}

const nothing = () => undefined;
/** For those who do not listen. */
export const UNHEARD: Omit<WorkerEvents, 'onError'> = {
  onSettled: nothing,
  onInserted: nothing,
  onIssuedLate: nothing,
  onRetry: nothing,
  onBuried: nothing,
  onLeft: nothing,
  onLook: nothing,
  onTurn: nothing,
  onTurnFailed: nothing,
  onUnreadable: nothing,
  onRead: nothing,
  onVanished: nothing,
  onForeign: nothing,
  onRecovered: nothing,
  onRecoveryProgress: nothing,
  onAlone: nothing,
  onReconciled: nothing,
  onMismatch: nothing,
  onDeadLetters: nothing,
  onCounted: nothing,
  onRedriven: nothing,
  onGateLost: nothing,
  onEnded: nothing,
  onCarried: nothing,
  onLost: nothing,
  onLag: nothing,
  onPublished: nothing,
  onOutbox: nothing,
  onUntold: nothing,
};
