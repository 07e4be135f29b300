// The one home of a ticket's state: which states there are, what leads from one to the next, who decides it, and what is
// written where. Unions, the text in Redis, the enum of the public API and docs/ticket-states.md follow from it.

/** What a buyer reads as `status`, and whether there is anything left to wait for. `parked`: until an operator acts. */
export const STATUSES = {
  queued: { wait: 'goes-on' },
  retrying: { wait: 'goes-on' },
  issued: { wait: 'over' },
  failed: { wait: 'parked' },
  cancelled: { wait: 'over' },
} as const satisfies Record<string, { wait: 'goes-on' | 'parked' | 'over' }>;

export type TicketStatus = keyof typeof STATUSES;

export const TICKET_STATUSES = Object.keys(STATUSES) as TicketStatus[];

interface StateRow {
  means: string;
  told: TicketStatus;
  /** Where the gate has it: a text of the hash `exceptions`, or what other keys say. */
  kept: 'exception' | 'no-place' | 'entry' | 'watermark';
  /** What an exception says besides its word. */
  carries: 'nothing' | 'unit' | 'reason';
  /** What `lua/outcome.lua`, `lua/cancel.lua` and `lua/redrive.lua` answer about a ticket in this state. */
  answers: { outcome: string; cancel: string; redrive: string };
}

/** In the order of a ticket's life. */
export const STATES = {
  lost: {
    means: 'the gate remembers no ticket of this user: never admitted, or forgotten',
    told: 'queued',
    kept: 'no-place',
    carries: 'nothing',
    answers: { outcome: 'lost', cancel: 'lost', redrive: 'lost' },
  },
  waiting: {
    means: 'admitted; no worker has received its entry',
    told: 'queued',
    kept: 'entry',
    carries: 'nothing',
    answers: { outcome: 'queued', cancel: 'cancelled', redrive: 'none' },
  },
  pending: {
    means: 'a worker has received its entry and has not settled it',
    told: 'queued',
    kept: 'entry',
    carries: 'nothing',
    answers: { outcome: 'queued', cancel: 'pending', redrive: 'none' },
  },
  retrying: {
    means: 'its batch could not issue it; the retrier tries again',
    told: 'retrying',
    kept: 'exception',
    carries: 'nothing',
    answers: { outcome: 'retrying', cancel: 'cancelling', redrive: 'retrying' },
  },
  cancelling: {
    means: 'given back while it was being retried; the retrier cancels it instead of issuing it',
    told: 'retrying',
    kept: 'exception',
    carries: 'nothing',
    answers: { outcome: 'cancelling', cancel: 'cancelling', redrive: 'cancelling' },
  },
  'issued-as-promised': {
    means: 'issued under the unit that the ticket names',
    told: 'issued',
    kept: 'watermark',
    carries: 'nothing',
    answers: { outcome: 'issued-as-promised', cancel: 'issued-as-promised', redrive: 'none' },
  },
  'issued-renumbered': {
    means: 'issued, but the ledger holds another unit for this user than the ticket names',
    told: 'issued',
    kept: 'exception',
    carries: 'unit',
    answers: { outcome: 'issued-renumbered', cancel: 'issued-renumbered', redrive: 'issued-renumbered' },
  },
  failed: {
    means: 'given up, and kept as a dead letter for an operator',
    told: 'failed',
    kept: 'exception',
    carries: 'reason',
    answers: { outcome: 'failed', cancel: 'failed', redrive: 'retrying' },
  },
  cancelled: {
    means: 'given back by its buyer or discarded by an operator; its unit is sold again',
    told: 'cancelled',
    kept: 'exception',
    carries: 'nothing',
    answers: { outcome: 'cancelled', cancel: 'already', redrive: 'cancelled' },
  },
} as const satisfies Record<string, StateRow>;

export type TicketState = keyof typeof STATES;
type RowOf<S extends TicketState> = (typeof STATES)[S];
type Answers = RowOf<TicketState>['answers'];

export const TICKET_STATES = Object.keys(STATES) as TicketState[];

/** A state that the watermark alone cannot tell: the gate writes it down, with what it carries. */
export type ExceptionalState = {
  [S in TicketState]: RowOf<S>['kept'] extends 'exception' ? S : never;
}[TicketState];

interface Carried {
  nothing: unknown;
  unit: { unit: number };
  reason: { reason: string };
}

/** An outcome that differs from "issued as promised". */
export type Exceptional = {
  [S in ExceptionalState]: { status: S } & Carried[RowOf<S>['carries']];
}[ExceptionalState];

/** What the gate tells of a ticket. It does not tell `waiting` from `pending`: both are `queued`. */
export type Outcome = { status: Exclude<Answers['outcome'], ExceptionalState> } | Exceptional;

/** What giving back found: `cancelled` now or `already`; otherwise how far the ticket has come. */
export type CancelAnswer = Answers['cancel'];

/** What a ticket is after a redrive; `none`: the gate has no exception of it. */
export type RedriveAnswer = Answers['redrive'];

export interface TicketException {
  seq: number;
  outcome: Exceptional;
  /** A unit that goes back to the free list with this outcome: given once, with the ack of the entry. */
  returnedUnit?: number;
}

/** What a buyer reads of an outcome. */
export const toldOf = ({ status }: Outcome): TicketStatus => (status === 'queued' ? status : STATES[status].told);

interface EventRow {
  /** `script` does it in the gate; null where it is a command of Redis. */
  by: {
    asks: 'buyer' | 'worker' | 'operator' | 'buyer or operator';
    decides: 'gate' | 'ledger' | 'worker' | 'operator';
    script: string | null;
  };
  /** From which state to which. In every other state the event changes nothing. */
  next: Partial<Record<TicketState, TicketState>>;
  /** In the gate, and before or after it elsewhere. */
  writes: { gate: string; elsewhere: string };
}

/** All that happens to a ticket while its gate lives. A rebuild reads the states again from the ledger and the streams. */
export const EVENTS = {
  admit: {
    by: { asks: 'buyer', decides: 'gate', script: 'admit' },
    next: { lost: 'waiting' },
    writes: { gate: 'a place in `users`, an entry in `work`', elsewhere: 'nothing' },
  },
  readmit: {
    by: { asks: 'buyer', decides: 'gate', script: 'readmit' },
    next: { lost: 'waiting' },
    writes: { gate: 'a place in `users` with the ticket as signed, an entry in `work`', elsewhere: 'nothing' },
  },
  deliver: {
    by: { asks: 'worker', decides: 'worker', script: null },
    next: { waiting: 'pending' },
    writes: { gate: 'the entry in the pending list of `work`', elsewhere: 'nothing' },
  },
  'settle-issued-as-promised': {
    by: { asks: 'worker', decides: 'ledger', script: 'settle' },
    next: { pending: 'issued-as-promised' },
    writes: { gate: 'the ack, the watermark', elsewhere: 'before: a row in `issuances`' },
  },
  'settle-issued-renumbered': {
    by: { asks: 'worker', decides: 'ledger', script: 'settle' },
    next: { pending: 'issued-renumbered' },
    writes: { gate: 'the ack, the exception', elsewhere: 'before: a row in `issuances`' },
  },
  'settle-retrying': {
    by: { asks: 'worker', decides: 'ledger', script: 'settle' },
    next: { pending: 'retrying' },
    writes: { gate: 'the ack, the exception, `retrying` + 1', elsewhere: 'before: a retry job' },
  },
  'settle-failed': {
    by: { asks: 'worker', decides: 'worker', script: 'settle' },
    next: { pending: 'failed' },
    writes: { gate: 'the ack, the exception', elsewhere: 'before: a row in `dead_letters`' },
  },
  'settle-cancelled': {
    by: { asks: 'worker', decides: 'ledger', script: 'settle' },
    next: { pending: 'cancelled' },
    writes: { gate: 'the ack, the exception, the unit in `free`', elsewhere: 'before: a row in `cancellations`' },
  },
  cancel: {
    by: { asks: 'buyer', decides: 'gate', script: 'cancel' },
    next: { waiting: 'cancelled', retrying: 'cancelling' },
    writes: {
      gate: 'the exception; where it waited, the entry is deleted and the unit is in `free`',
      elsewhere: 'after: a row in `cancellations`',
    },
  },
  'resolve-issued-as-promised': {
    by: { asks: 'worker', decides: 'ledger', script: 'resolve' },
    next: { retrying: 'issued-as-promised' },
    writes: { gate: 'the exception is removed, `retrying` - 1', elsewhere: 'before: a row in `issuances`' },
  },
  'resolve-issued-renumbered': {
    by: { asks: 'worker', decides: 'ledger', script: 'resolve' },
    next: { retrying: 'issued-renumbered' },
    writes: { gate: 'the exception, `retrying` - 1', elsewhere: 'before: a row in `issuances`' },
  },
  'resolve-failed': {
    by: { asks: 'worker', decides: 'worker', script: 'resolve' },
    next: { retrying: 'failed' },
    writes: { gate: 'the exception, `retrying` - 1', elsewhere: 'before: a row in `dead_letters`' },
  },
  redrive: {
    by: { asks: 'operator', decides: 'operator', script: 'redrive' },
    next: { failed: 'retrying' },
    writes: {
      gate: 'the exception, `retrying` + 1',
      elsewhere: 'before: `dead_letters.state` is `redriving`; after: a retry job, `redriven`',
    },
  },
  'give-back': {
    by: { asks: 'buyer or operator', decides: 'ledger', script: 'give-back' },
    // An entry that still waits or is pending stays: the worker that receives it settles it as cancelled.
    next: {
      waiting: 'cancelled',
      pending: 'cancelled',
      retrying: 'cancelled',
      cancelling: 'cancelled',
      'issued-as-promised': 'cancelled',
      'issued-renumbered': 'cancelled',
      failed: 'cancelled',
    },
    writes: {
      gate: 'the exception, the unit in `free`, the tag in `cancelled`',
      elsewhere:
        'before: a row in `cancellations`, none in `issuances`, the dead letter discarded; after: `cancellations.returned_at`',
    },
  },
} as const satisfies Record<string, EventRow>;

export type TicketEvent = keyof typeof EVENTS;

export const TICKET_EVENTS = Object.keys(EVENTS) as TicketEvent[];

export const eventRow = (event: TicketEvent): EventRow => EVENTS[event];

/** The state that `event` leads to; the same one where it changes nothing. */
export const nextState = (state: TicketState, event: TicketEvent): TicketState => eventRow(event).next[state] ?? state;
