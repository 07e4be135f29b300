// How many worker processes there should be, by what waits: pure, so that each rule is a row of a table in its test.
//
// More at once and fewer later: a backlog in a sale grows within seconds, while a worker that is stopped too soon is started
// again, which costs a second of a core. Between "one more" and "one fewer" lies half of `tickets`, so that a backlog that
// stays the same never starts and stops the same worker again and again.
import type { ConnectionUse } from './connection-use.ts';
import type { Waiting } from './waiting.ts';

export interface ScaleRules {
  /** Workers at least and at most. */
  min: number;
  max: number;
  /** Waiting tickets for each worker: more of them call for another worker. */
  tickets: number;
  /** Ms that the oldest ticket may wait; a longer wait calls for one more worker, whatever the number of tickets. */
  waitMs: number;
  /** Ms for which fewer workers must have been enough before one is stopped. */
  calmMs: number;
  /** Ms after a change before a long wait calls for one more: a new worker needs time to shorten it. */
  settleMs: number;
  /** Connections to the database of each worker, and those that are left to all other programs. */
  connectionsEach: number;
  connectionsSpare: number;
}

export interface ScaleReading {
  waiting: Waiting;
  /** Undefined where the database does not say it. */
  connections: ConnectionUse | undefined;
}

export interface ScaleState {
  workers: number;
  /** When the number changed last, and since when fewer would be enough; ms of a clock that only goes forward. */
  changedAt: number;
  calmFrom: number | undefined;
}

/** Why there are to be as many: `held` where nothing is known, or more are needed than there may be. */
export type ScaleReason = 'enough' | 'tickets' | 'wait' | 'calm' | 'connections' | 'held' | 'least';

export interface ScaleDecision extends ScaleState {
  reason: ScaleReason;
}

/**
 * Workers that the database has connections for, 0 or more: of `max_connections` those are taken away that others have open,
 * or `connectionsSpare` where that is more. A pool opens its connections late, so our own workers are taken to have all of
 * theirs open: others are seen to have too many only when they certainly have.
 */
export function workersWithin(
  { open, max }: ConnectionUse,
  running: number,
  { connectionsEach, connectionsSpare }: Pick<ScaleRules, 'connectionsEach' | 'connectionsSpare'>,
): number {
  const ofOthers = Math.max(connectionsSpare, open - running * connectionsEach);
  return Math.max(0, Math.floor((max - ofOthers) / connectionsEach));
}

/** `reading` is undefined where what waits, or the database, could not be read: then nothing changes. */
export function decideScale(
  rules: ScaleRules,
  state: ScaleState,
  reading: ScaleReading | undefined,
  now: number,
): ScaleDecision {
  const { workers } = state;
  const to = (count: number, reason: ScaleReason): ScaleDecision => ({
    workers: count,
    reason,
    changedAt: count === workers ? state.changedAt : now,
    calmFrom: undefined,
  });
  // While the database is away more workers issue nothing, and tickets that nobody counted are no reason to stop one.
  if (reading?.connections === undefined) return to(workers, 'held');
  // One worker stays whatever others have open: without any no ticket is issued.
  const most = Math.min(rules.max, Math.max(1, workersWithin(reading.connections, workers, rules)));
  if (workers > most) return to(most, 'connections');
  if (workers < Math.min(rules.min, most)) return to(Math.min(rules.min, most), 'least');

  const { ticketCount, oldestWaitMs } = reading.waiting;
  const needed = Math.ceil(ticketCount / rules.tickets);
  const isLate = ticketCount > 0 && oldestWaitMs > rules.waitMs;
  const isSettled = now - state.changedAt >= rules.settleMs;
  if (needed > workers) {
    // Twice as many at most: all starts at once would take the cores from the workers that issue.
    return workers < most ? to(Math.min(needed, most, Math.max(1, 2 * workers)), 'tickets') : to(workers, 'held');
  }
  if (isLate) return workers < most && isSettled ? to(workers + 1, 'wait') : to(workers, 'held');

  const isCalm = ticketCount <= ((workers - 1) * rules.tickets) / 2 && oldestWaitMs <= rules.waitMs / 2;
  if (!isCalm || workers <= rules.min) return to(workers, 'enough');
  const calmFrom = state.calmFrom ?? now;
  if (now - calmFrom >= rules.calmMs) return to(workers - 1, 'calm');
  return { ...to(workers, 'enough'), calmFrom };
}
