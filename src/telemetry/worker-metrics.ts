// The numbers of a worker: what it issued and how long that took, what failed, and what it saw of all campaigns.

import type { Phase } from '../domain/campaign.ts';
import type { RoundSums } from '../domain/comparison-sums.ts';
import { FAILURE_REASONS, failureReasonOf } from '../domain/failure.ts';
import type { SettledWork } from '../domain/settled-work.ts';
import { limits } from '../process/limits.ts';
import { createHistogram, type Observe } from './histograms.ts';
import { counter, gauge, gauges, highest, labelledCounter } from './instruments.ts';

export interface WorkerMetrics {
  settled: (work: SettledWork) => void;
  /** Takes a ticket that a retry issued. */
  issuedLate: (ticket: { admittedAt: number; traceparent: string }) => void;
  /** Takes how many rows were written to the ledger in how many seconds. */
  inserted: (rowCount: number, seconds: number) => void;
  retried: (reason: string) => void;
  buried: (reason: string) => void;
  /** Takes what the last comparison of the stores found, over the campaigns that were this worker's turn. */
  reconciled: (found: RoundSums) => void;
  /** Takes what was last seen of all campaigns; every worker sees the same. */
  looked: (backlog: number, retrying: number) => void;
  /** Takes how many dead letters wait for a person, by reason; every worker sees the same. */
  deadLetters: (counts: ReadonlyMap<string, number>) => void;
  /** Takes tickets that this worker's relay carried to the other broker: ms since each was admitted. */
  carried: (delaysMs: readonly number[]) => void;
  /** Takes how many records of each partition the workers have not committed; seen by the relay. */
  lag: (records: readonly number[]) => void;
  /** Counts those of them whose records workers had passed without settling them. */
  carriedAgain: (count: number) => void;
  /** Counts entries of the outbox that this worker told other services of. */
  published: (count: number) => void;
  /** Takes what waits in the outbox; seen by the worker whose turn it is to tell. */
  outbox: (size: { entries: number; oldestMs: number }) => void;
  /** Counts a campaign that this worker archived or purged. */
  ended: (end: 'archived' | 'purged') => void;
  /** Counts a gate that this worker opened, rebuilt or found whole. */
  recovered: (rebuilt: boolean) => void;
  /** Takes how many live campaigns are in which phase; seen by the worker whose turn the count was. */
  counted: (phases: Readonly<Record<Phase, number>>) => void;
}

/** A tenth of a second to an hour: a sale that is sold in minutes may be issued for long. */
const WAIT_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600];
const WORK_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const BATCH_TICKETS = [1, 5, 10, 25, 50, 100, 200, 300, 400, 500];

/** One call for each worker. */
export function workerMetrics(): WorkerMetrics {
  const ends = labelledCounter('sluice_campaigns_ended', 'Campaigns that this worker archived or purged', 'end', [
    'archived',
    'purged',
  ]);
  const recoveries = labelledCounter(
    'sluice_gate_recoveries',
    'Gates that this worker opened under a new epoch: rebuilt from the ledger, or found whole',
    'how',
    ['rebuilt', 'whole'],
  );
  const phases = phaseMetrics();
  return {
    ...issuingMetrics(),
    ...relayMetrics(),
    ...outboxMetrics(),
    ...failureMetrics(),
    ended: (end) => {
      ends[end] += 1;
    },
    recovered: (rebuilt) => {
      recoveries[rebuilt ? 'rebuilt' : 'whole'] += 1;
    },
    counted: phases,
  };
}

function issuingMetrics(): Pick<WorkerMetrics, 'settled' | 'issuedLate' | 'inserted'> {
  let settledCount = 0;
  counter('sluice_settled', 'Entries settled by this worker', () => [[settledCount, {}]]);
  const unit = 's';
  const seconds = (name: string, description: string, boundaries: readonly number[]): Observe =>
    createHistogram({ name, description, unit, boundaries })();
  const batch = seconds('sluice_batch_seconds', 'Time from receiving a batch to acking it', WORK_SECONDS);
  const insert = seconds('sluice_insert_seconds', 'Time of writing the rows of a batch to the ledger', WORK_SECONDS);
  const wait = seconds(
    'sluice_queue_wait_seconds',
    'Time from the join of a ticket to its receipt by a worker',
    WAIT_SECONDS,
  );
  const toIssued = seconds(
    'sluice_join_to_issued_seconds',
    'Time from the join of a ticket to its row in the ledger',
    WAIT_SECONDS,
  );
  const sizes = createHistogram({
    name: 'sluice_batch_tickets',
    description: 'Tickets of a batch that was written to the ledger',
    unit: '{ticket}',
    boundaries: BATCH_TICKETS,
  })();
  // Two clocks: the join's is that of Redis.
  const since = (from: number, to: number) => Math.max(0, to - from) / 1_000;
  return {
    settled({ count, receivedAt, settledAt, issued }) {
      settledCount += count;
      batch(since(receivedAt, settledAt));
      for (const { admittedAt, traceparent } of issued) {
        wait(since(admittedAt, receivedAt), traceparent);
        toIssued(since(admittedAt, settledAt), traceparent);
      }
    },
    issuedLate: ({ admittedAt, traceparent }) => toIssued(since(admittedAt, Date.now()), traceparent),
    inserted(rowCount, took) {
      sizes(rowCount);
      insert(took);
    },
  };
}

function relayMetrics(): Pick<WorkerMetrics, 'carried' | 'carriedAgain' | 'lag'> {
  const counts = { carried: 0, again: 0 };
  let lags: readonly number[] = [];
  const delay = createHistogram({
    name: 'sluice_relay_delay_seconds',
    description: 'Time from the join of a ticket until Kafka has it',
    unit: 's',
    boundaries: WORK_SECONDS,
  })();
  gauges('sluice_kafka_lag_records', 'Records of a partition that the workers have not committed', () =>
    lags.map((records, partition) => [records, { partition: String(partition) }]),
  );
  counter('sluice_carried', 'Tickets that this worker carried to Kafka', () => [[counts.carried, {}]]);
  counter(
    'sluice_carried_again',
    'Tickets that this worker carried to Kafka again, because workers had passed their records',
    () => [[counts.again, {}]],
  );
  return {
    carried: (delaysMs) => {
      counts.carried += delaysMs.length;
      // What an intruder wrote says no time.
      for (const ms of delaysMs) if (Number.isFinite(ms)) delay(Math.max(0, ms) / 1_000);
    },
    lag: (records) => {
      lags = records;
    },
    carriedAgain: (count) => {
      counts.again += count;
    },
  };
}

function outboxMetrics(): Pick<WorkerMetrics, 'published' | 'outbox'> {
  let publishedCount = 0;
  let size = { entries: 0, oldestMs: 0 };
  counter('sluice_outbox_published', 'Batches of tickets that this worker sent to other services', () => [
    [publishedCount, {}],
  ]);
  gauge('sluice_outbox_entries', 'Batches of tickets in the outbox that no other service has yet', () => size.entries);
  gauge('sluice_outbox_oldest_seconds', 'Age of the oldest of them', () => size.oldestMs / 1_000);
  return {
    published: (count) => {
      publishedCount += count;
    },
    outbox: (seen) => {
      size = seen;
    },
  };
}

function failureMetrics(): Pick<WorkerMetrics, 'retried' | 'buried' | 'reconciled' | 'looked' | 'deadLetters'> {
  const retries = labelledCounter(
    'sluice_retries',
    'Retries that this worker scheduled, by reason',
    'reason',
    FAILURE_REASONS,
  );
  const buried = labelledCounter(
    'sluice_dead_lettered',
    'Tickets that this worker kept as dead letters, by reason',
    'reason',
    FAILURE_REASONS,
  );
  let seen: { backlog: number; retrying: number } | undefined;
  let letters: ReadonlyMap<string, number> | undefined;
  let compared: RoundSums = { mismatches: 0, lost: 0, unissued: 0, tooLarge: 0 };
  gauge('sluice_backlog', 'Tickets that are admitted and not settled, over all campaigns', () => seen?.backlog);
  gauge('sluice_retrying', 'Tickets that wait for a retry, over all campaigns', () => seen?.retrying);
  gauge(
    'sluice_dead_letters',
    'Dead letters in the state kept, which wait for an operator, over all campaigns',
    () => letters && [...letters.values()].reduce((sum, count) => sum + count, 0),
  );
  gauges('sluice_dead_letters_by_reason', 'The same by reason; the rarest together as "other"', () =>
    highest(letters ?? [], limits.labelledReasonsMax).map(([reason, count]) => [count, { reason }]),
  );
  gauge(
    'sluice_ledger_mismatch',
    'Differences between gate, streams, retry queue and ledger',
    () => compared.mismatches,
  );
  gauge('sluice_tickets_lost', 'Tickets that Redis lost and whose holders have not polled since', () => compared.lost);
  gauge(
    'sluice_accepted_not_issued',
    'Tickets that the gate promises to buyers and that no worker will issue: no row, no queue and no dead letter has them',
    () => compared.unissued,
  );
  gauge(
    'sluice_campaigns_not_compared',
    'Live campaigns that the comparison of the stores leaves out, because they have too many units',
    () => compared.tooLarge,
  );
  return {
    retried: (reason) => {
      retries[failureReasonOf(reason)] += 1;
    },
    buried: (reason) => {
      buried[failureReasonOf(reason)] += 1;
    },
    reconciled: (found) => {
      compared = found;
    },
    looked: (backlog, retrying) => {
      seen = { backlog, retrying };
    },
    deadLetters: (counts) => {
      letters = counts;
    },
  };
}

/** A count is told until the next one is due twice over: by then another worker has made it. */
function phaseMetrics(): WorkerMetrics['counted'] {
  let seen: { phases: Readonly<Record<Phase, number>>; at: number } | undefined;
  gauges('sluice_campaigns', 'Live campaigns by phase, counted once a minute by one worker', () => {
    const isOld = seen === undefined || performance.now() - seen.at > 2 * limits.sweepMs;
    return isOld ? [] : Object.entries(seen!.phases).map(([phase, count]) => [count, { phase }] as const);
  });
  return (phases) => {
    seen = { phases, at: performance.now() };
  };
}
