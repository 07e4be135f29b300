// An answer with a 5xx, as whoever runs the service hears of it. Clients are told less.

/** By what was the matter: the label of a metric, so there are few and none holds data. */
export const SERVER_ERROR_KINDS = [
  // Faults, by their code.
  'defect',
  'corrupt-state',
  'redis-unavailable',
  'ledger-unavailable',
  'gate-missing',
  'gate-unverified',
  'stale-epoch',
  'overloaded',
  // A 503 that is as it should be.
  'backlogged',
  'paused',
  'guessed',
  'recovering',
  'expired',
  'ticket-in-work',
  'streams-full',
  'identity-unknown',
  'not-ready',
  // An exception that is no fault, and an answer that gave no reason.
  'internal',
  'other',
] as const;

export type ServerErrorKind = (typeof SERVER_ERROR_KINDS)[number];

/** What a client reads as the type of the problem: the last part of its URI, or `none` where the body is no problem. */
export const SERVER_ERROR_TYPES = ['internal', 'temporary-reduced-capacity', 'campaign-paused', 'none'] as const;

export type ServerErrorType = (typeof SERVER_ERROR_TYPES)[number];

export interface ServerError {
  kind: ServerErrorKind;
  status: number;
  listener: 'public' | 'admin' | 'telemetry';
  /** Method and the beginning of the path, without ids and tickets. */
  at: string;
  /** What broke, or words of ours. */
  cause: unknown;
}

/** The type of a problem by its URI. */
export const serverErrorTypeOf = (uri: string): ServerErrorType =>
  SERVER_ERROR_TYPES.find((type) => uri.endsWith(`:${type}`) || uri.endsWith(`#${type}`)) ?? 'none';

/**
 * A 503 that a sale means to say: the campaign is paused, as many buyers wait as it lets wait, or clients guess campaign
 * ids. Whoever guesses must not use up the budget of errors.
 */
export const isRefusal = (kind: ServerErrorKind): boolean =>
  kind === 'paused' || kind === 'backlogged' || kind === 'guessed';

export const isServerErrorKind = (text: string): text is ServerErrorKind =>
  (SERVER_ERROR_KINDS as readonly string[]).includes(text);
