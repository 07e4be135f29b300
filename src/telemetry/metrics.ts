// The numbers of Sluice. Hot paths count in plain integers; a scrape reads them. No user, ticket or campaign is a label.
import { type Attributes, metrics } from '@opentelemetry/api';
import { DECISION_KINDS } from '../domain/decision.ts';
import { SERVER_ERROR_KINDS, type ServerErrorKind } from '../domain/server-error.ts';

/** Asked for when an instrument is made: a meter taken before the SDK started would count nothing, for ever. */
const meter = () => metrics.getMeter('sluice');

/** A counter with one label whose values are known beforehand: an increment is an addition, nothing else. */
function labelledCounter<V extends string>(
  name: string,
  description: string,
  label: string,
  values: readonly V[],
): Record<V, number> {
  const counts = Object.fromEntries(values.map((value) => [value, 0])) as Record<V, number>;
  meter()
    .createObservableCounter(name, { description })
    .addCallback((result) => {
      for (const value of values) result.observe(counts[value], { [label]: value });
    });
  return counts;
}

/** Seconds, by buckets that suit an admission: half a millisecond to ten seconds. */
function durationHistogram(name: string, description: string): (seconds: number, attributes?: Attributes) => void {
  const explicitBucketBoundaries = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
  const histogram = meter().createHistogram(name, { description, unit: 's', advice: { explicitBucketBoundaries } });
  return (seconds, attributes) => histogram.record(seconds, attributes);
}

/** A value that is read when somebody scrapes; not told while it is unknown. */
function gauge(name: string, description: string, read: () => number | undefined, attributes?: Attributes): void {
  meter()
    .createObservableGauge(name, { description })
    .addCallback((result) => {
      const value = read();
      if (value !== undefined) result.observe(value, attributes);
    });
}

/** Answers with a 5xx by kind, over all listeners of the process. */
export const serverErrorCounts = (): Record<ServerErrorKind, number> =>
  labelledCounter('sluice_http_errors', 'Answers with a 5xx status', 'kind', SERVER_ERROR_KINDS);

/** Wrong tokens that the admin listener refused. */
export const adminRefusalCount = (): Record<'wrong', number> =>
  labelledCounter('sluice_admin_refusals', 'Requests that the admin API rejected for a wrong token', 'token', [
    'wrong',
  ]);

/** New connections that a listener closed, because their address had as many as it may have. */
export const refusedConnectionCount = (): Record<'public' | 'admin', number> =>
  labelledCounter(
    'sluice_connections_refused',
    'New connections that were closed because their address had as many as it may have',
    'listener',
    ['public', 'admin'],
  );

export interface WorkerMetrics {
  /** Counts a settled batch and how long it took from receipt to ack. */
  settled: (count: number, seconds: number) => void;
  /** Takes what the last comparison of the stores found, over the campaigns that were this worker's turn. */
  reconciled: (mismatches: number, lost: number) => void;
  /** Takes what was last seen of all campaigns; every worker sees the same. */
  looked: (backlog: number, retrying: number) => void;
  /** Takes how many dead letters wait for a person; every worker sees the same. */
  deadLetters: (count: number) => void;
  /** Counts a campaign that this worker archived or purged. */
  ended: (end: 'archived' | 'purged') => void;
  /** Counts tickets that this worker's relay carried to the other broker. */
  carried: (count: number) => void;
  /** Counts those of them whose records workers had passed without settling them. */
  carriedAgain: (count: number) => void;
}

export function workerMetrics(): WorkerMetrics {
  const settledCounter = meter().createCounter('sluice_settled', { description: 'Entries settled by this worker' });
  const observe = durationHistogram('sluice_batch_seconds', 'Time from receiving a batch to acking it');
  const ends = labelledCounter('sluice_campaigns_ended', 'Campaigns that this worker archived or purged', 'end', [
    'archived',
    'purged',
  ]);
  const carried = meter().createCounter('sluice_carried', { description: 'Tickets that this worker carried to Kafka' });
  const carriedAgain = meter().createCounter('sluice_carried_again', {
    description: 'Tickets that this worker carried to Kafka again, because workers had passed their records',
  });
  let seen = { backlog: 0, retrying: 0 };
  let deadLetterCount = 0;
  let compared = { mismatches: 0, lost: 0 };
  gauge('sluice_backlog', 'Tickets that are admitted and not settled, over all campaigns', () => seen.backlog);
  gauge('sluice_retrying', 'Tickets that wait for a retry, over all campaigns', () => seen.retrying);
  gauge(
    'sluice_dead_letters',
    'Dead letters in the state kept, which wait for an operator, over all campaigns',
    () => deadLetterCount,
  );
  gauge(
    'sluice_ledger_mismatch',
    'Differences between gate, streams, retry queue and ledger',
    () => compared.mismatches,
  );
  gauge('sluice_tickets_lost', 'Tickets that Redis lost and whose holders have not polled since', () => compared.lost);
  return {
    reconciled: (mismatches, lost) => {
      compared = { mismatches, lost };
    },
    ended: (end) => {
      ends[end] += 1;
    },
    carried: (count) => carried.add(count),
    carriedAgain: (count) => carriedAgain.add(count),
    deadLetters: (count) => {
      deadLetterCount = count;
    },
    looked: (backlog, retrying) => {
      seen = { backlog, retrying };
    },
    settled(count, seconds) {
      settledCounter.add(count);
      observe(seconds);
    },
  };
}

export interface FrontReadings {
  joinsWaiting: () => number;
  clientsWaiting: (kind: 'long-poll' | 'stream') => number;
  eventLoopLagMs: () => number;
  /** Undefined while it is unknown. */
  redisClockErrorMs: () => number | undefined;
  /** Undefined while it is unknown. */
  workersSeen: () => { seenCount: number; readyCount: number } | undefined;
  /** Undefined while it is unknown. */
  noneReadyMs: () => number | undefined;
}

/** The counters of a front: decisions by kind, how long a join took, and what it holds just now. */
export function frontMetrics(read: FrontReadings) {
  gauge('sluice_workers_seen', 'Workers that have reported to Redis recently', () => read.workersSeen()?.seenCount);
  gauge(
    'sluice_workers_ready',
    'Workers that have reported to Redis recently and can issue',
    () => read.workersSeen()?.readyCount,
  );
  gauge('sluice_no_worker_ready_seconds', 'Time for which this front has seen no ready worker; 0 while one is', () => {
    const ms = read.noneReadyMs();
    return ms === undefined ? undefined : ms / 1_000;
  });
  gauge('sluice_joins_waiting', 'Joins that wait for a gate call', read.joinsWaiting);
  for (const kind of ['long-poll', 'stream'] as const) {
    gauge(
      'sluice_clients_waiting',
      'Open long-polls and event streams of clients, by kind',
      () => read.clientsWaiting(kind),
      { kind },
    );
  }
  gauge('sluice_event_loop_lag_seconds', 'Delay of the event loop', () => read.eventLoopLagMs() / 1_000);
  gauge(
    'sluice_redis_clock_error_seconds',
    "Upper limit of the error in the front's estimate of the Redis clock",
    () => {
      const errorMs = read.redisClockErrorMs();
      return errorMs === undefined ? undefined : errorMs / 1_000;
    },
  );
  return {
    decisions: labelledCounter('sluice_admissions', 'Joins by decision', 'decision', DECISION_KINDS),
    shed: labelledCounter('sluice_joins_shed', 'Joins refused by load shedding, by what was too slow', 'reason', [
      'event-loop',
      'gate',
    ]),
    observeJoin: durationHistogram(
      'sluice_join_seconds',
      'Time from receiving a join to answering it, for joins that the gate decided',
    ),
  };
}

/** Connections of all clients to the servers, as a front reads them: one call for each front. */
export function serverConnectionMetrics(
  seen: (server: 'redis' | 'database') => { open: number; max: number } | undefined,
): void {
  for (const server of ['redis', 'database'] as const) {
    const attributes = { server };
    const open = 'Connections of all clients that the server has open; in a Cluster of the fullest primary';
    gauge('sluice_server_connections', open, () => seen(server)?.open, attributes);
    gauge('sluice_server_connections_max', 'Connections that the server allows', () => seen(server)?.max, attributes);
  }
}

/** Whether a dependency's breaker is open, and how often it has opened: one call for each breaker of the process. */
export function breakerMetrics(
  dependency: string,
  breaker: { isOpen: () => boolean; openedCount: () => number },
): void {
  const label = { dependency };
  gauge(
    'sluice_breaker_open',
    '1 while the breaker is open: the process sends this dependency only probes',
    () => Number(breaker.isOpen()),
    label,
  );
  meter()
    .createObservableCounter('sluice_breaker_openings', { description: 'Number of times the breaker has opened' })
    .addCallback((result) => result.observe(breaker.openedCount(), label));
}

/** The connections of one pool to the ledger. */
export function poolMetrics(ledger: {
  name: string;
  connectionMax: number;
  usage: () => { inUseCount: number; waitingCount: number };
}): void {
  const label = { pool: ledger.name };
  const { usage, connectionMax } = ledger;
  gauge('sluice_ledger_connections_in_use', 'Connections in use', () => usage().inUseCount, label);
  gauge('sluice_ledger_connections_waiting', 'Callers waiting for a connection', () => usage().waitingCount, label);
  gauge('sluice_ledger_connections_max', 'Connections that the pool may open', () => connectionMax, label);
}
