// What a shape is: a crowd as data. k6 and the generator of `npm run load` read the same; neither adds a number of its own.

/** From the rate before to this one, in a straight line. */
export interface Stage {
  toPerSecond: number;
  seconds: number;
}

/**
 * What an arrival does. `join`: a new buyer joins, asks again after `Retry-After`, and may follow the ticket.
 * `poll`: one poll of a ticket that joined before the load. `journey`: a new buyer uses every call of the public API once.
 */
export type Act = 'join' | 'poll' | 'journey';

/** Arrivals are due whatever the service does (open model). */
export interface Arrivals {
  act: Act;
  fromPerSecond: number;
  stages: readonly Stage[];
  /** Acts under way at once, k6's VUs. An arrival that finds so many is dropped and counted. */
  inFlightMax: number;
}

/** `poll` as `pollAfterMs` says; `browser`: every second buyer in a long-poll, the others in an event stream. */
export type Following = 'poll' | 'browser';

/** What the operator does, and when. `add` raises the stock by so many units. */
export type OperatorStep = { atSecond: number } & ({ do: 'pause' | 'resume' } | { do: 'add'; units: number });

/** Calls whose answers a shape declares. */
export const CALLS = ['join', 'poll', 'wait', 'campaign', 'give-back'] as const;
export type Call = (typeof CALLS)[number];

/** Figures that a shape may have a bar for; every bar is "at most". */
export const FIGURES = {
  failed: 'answers that the shape does not declare, and requests without an answer',
  dropped: 'arrivals that were due and not sent, because the most acts allowed were under way',
  lost: 'tickets promised with a 202 and neither issued nor given back',
  overIssued: 'rows beyond the stock',
  deadLetters: 'dead letters',
  unsold: 'units left although enough buyers came',
  issuedAfterMs: 'ms from the answer of the last join until every accepted ticket was issued',
  joinP95Ms: 'p95 of a join, ms',
  joinP99Ms: 'p99 of a join, ms',
  pollP95Ms: 'p95 of a poll, ms',
  heardP99Ms: 'p99 from the answer of a join until its buyer read that the ticket is issued, ms',
} as const;
export type Figure = keyof typeof FIGURES;

/** Bars that a busy machine breaks and a correct service does not. */
export const TIMED: readonly Figure[] = [
  'dropped',
  'issuedAfterMs',
  'joinP95Ms',
  'joinP99Ms',
  'pollP95Ms',
  'heardP99Ms',
];

export interface Shape {
  name: string;
  /** The question that a run answers. */
  asks: string;
  /** What the incident reports ran under this name, and how it became arrivals; absent where they had nothing like it. */
  reports?: string;
  stock: number;
  /** Buyers who join before the load, for `poll`. */
  joinedBefore: number;
  arrivals: readonly Arrivals[];
  /** Share of the buyers with a ticket that follow it to its end, 0 to 1. */
  followShare: number;
  followBy: Following;
  operator: readonly OperatorStep[];
  /** Statuses by call; any other is a failed request. */
  answers: Readonly<Record<Call, readonly number[]>>;
  bars: Readonly<Partial<Record<Figure, number>>>;
}
