// Something broke. Refusals are never faults; a fault says whether asking again can help.
import { type Failure, INTERNAL_ERROR } from './failure.ts';

export type FaultCode =
  | 'redis-unavailable'
  | 'ledger-unavailable'
  | 'kafka-unavailable'
  | 'gate-missing'
  | 'stale-epoch'
  | 'gate-unverified'
  | 'unidentified'
  | 'corrupt-state'
  /** A statement or a script of ours that can never work: a mistake in Sluice, or a store of another version. */
  | 'defect'
  | 'conflict'
  | 'invalid'
  | 'not-found'
  /** Of a campaign that is over: its tickets are in the ledger alone. */
  | 'archived'
  /** Of a campaign whose tickets are in no store any more. */
  | 'purged'
  | 'overloaded';

export class Fault extends Error {
  readonly code: FaultCode;
  readonly retryable: boolean;
  /** Of a ticket that cannot be issued as it is: what its dead letter is to say. */
  readonly failure: Failure | undefined;

  constructor(
    code: FaultCode,
    message: string,
    options: { retryable?: boolean; cause?: unknown; failure?: Failure } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'Fault';
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.failure = options.failure;
  }
}

export const isFault = (error: unknown, code?: FaultCode): error is Fault =>
  error instanceof Fault && (code === undefined || error.code === code);

/** What a dead letter says of an attempt that threw this. */
export function failureOf(error: unknown): Failure {
  if (isFault(error) && error.failure !== undefined) return error.failure;
  return { reason: INTERNAL_ERROR, detail: error instanceof Error ? error.message : String(error) };
}
