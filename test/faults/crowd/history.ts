// What clients asked and were told, in order: the only thing the harness knows of the service from outside.

/** Times are ms on one clock of the harness. */
interface Told {
  user: string;
  sentAt: number;
  /** When the answer had come, or patience had ended. */
  endedAt: number;
}

/**
 * - `ok`: 202 or 200 with a ticket.
 * - `refused`: a no that means no unit was taken.
 * - `unknown`: a 5xx, a timeout, a reset: it may have happened.
 */
export type JoinAnswer = Told &
  (
    | { kind: 'ok'; status: number; ticket: string; seq: number }
    | { kind: 'refused'; status: number; why: string; retryAfterMs: number | undefined }
    | { kind: 'unknown'; status: number | undefined; why: string; retryAfterMs: number | undefined }
  );

export interface Sighting extends Told {
  ticket: string;
  status: string;
  unit: number | undefined;
  code: string | undefined;
}

/** A poll that was not answered with a ticket. */
export interface Miss extends Told {
  ticket: string;
  status: number | undefined;
  why: string;
}

export interface History {
  joins: JoinAnswer[];
  sightings: Sighting[];
  misses: Miss[];
}

export const emptyHistory = (): History => ({ joins: [], sightings: [], misses: [] });

/** Every ticket that was handed out, by user, in the order they were told. */
export function ticketsOf(history: History): Map<string, string[]> {
  const tickets = new Map<string, string[]>();
  for (const join of history.joins) {
    if (join.kind !== 'ok') continue;
    const held = tickets.get(join.user) ?? [];
    if (!held.includes(join.ticket)) tickets.set(join.user, [...held, join.ticket]);
  }
  return tickets;
}

/** How many joins had this answer. */
export const countJoins = (history: History, matches: (join: JoinAnswer) => boolean): number =>
  history.joins.reduce((count, join) => count + (matches(join) ? 1 : 0), 0);

/** The value below which `share` of the numbers lie; 0 for none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0) * 10) / 10;
}

export const tookMs = ({ sentAt, endedAt }: Told): number => endedAt - sentAt;
