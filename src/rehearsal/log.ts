// The generator's own record of what it was told. The checker believes this and the ledger, and nothing else.

export type JoinKind =
  | 'accepted'
  | 'known'
  | 'sold-out'
  | 'not-open'
  | 'throttled'
  | 'paused'
  | 'reduced-capacity'
  | 'ended'
  | 'not-found'
  /** 401 or 403: the service does not know who asks. */
  | 'not-allowed'
  /** No answer, or a 5xx that says nothing: the buyer may or may not have been admitted. */
  | 'unknown'
  /** Outside the contract, or a ticket answer without a ticket. */
  | 'unexpected';

/** One join request and its answer; times are monotonic ms. */
export interface JoinAnswer {
  user: string;
  kind: JoinKind;
  /** HTTP status; 0 when none came. */
  status: number;
  /** When the request was due: latency counts from here, so a slow service cannot slow its own measurement. */
  intendedMs: number;
  /** When it left for the service: later than intended when the generator or its sockets were the bottleneck. */
  sentMs: number;
  answeredMs: number;
  /** Sent by a buyer who asks twice on purpose. */
  repeat: boolean;
  ticket?: string;
  seq?: number;
}

/** A status told for a ticket: logged when it differs from the last one told to this buyer. */
export interface Sighting {
  user: string;
  ticket: string;
  /** The body's status, or `not-found` when the service disowned the ticket. */
  status: string;
  code?: string;
  unit?: number;
  seenMs: number;
}

export interface Log {
  startedMs: number;
  endedMs: number;
  joins: JoinAnswer[];
  sightings: Sighting[];
  /** Users who followed their ticket to its end, or to the deadline. */
  polled: Set<string>;
  pollCount: number;
  pollUnknownCount: number;
  /** The first 401 or 403 in the service's words: nothing can be judged by a crowd that is not let in. */
  notAllowed: string | undefined;
  /** For the progress bar. */
  seen: { joined: number; accepted: number; issued: number };
}

export function createLog(): Log {
  return {
    startedMs: 0,
    endedMs: 0,
    joins: [],
    sightings: [],
    polled: new Set(),
    pollCount: 0,
    pollUnknownCount: 0,
    notAllowed: undefined,
    seen: { joined: 0, accepted: 0, issued: 0 },
  };
}

const FINAL: ReadonlySet<JoinKind> = new Set([
  'accepted',
  'known',
  'sold-out',
  'ended',
  'not-found',
  'not-allowed',
  'unexpected',
]);

/** Whether a buyer has nothing more to ask after this answer. */
export const isFinal = (kind: JoinKind): boolean => FINAL.has(kind);

const TERMINAL: ReadonlySet<string> = new Set(['issued', 'failed', 'cancelled']);

export const isTerminal = (status: string): boolean => TERMINAL.has(status);
