// Something broke. Refusals are never faults; a fault says whether asking again can help.

export type FaultCode =
  | 'redis-unavailable'
  | 'ledger-unavailable'
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
  | 'overloaded';

export class Fault extends Error {
  readonly code: FaultCode;
  readonly retryable: boolean;

  constructor(code: FaultCode, message: string, options: { retryable?: boolean; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'Fault';
    this.code = code;
    this.retryable = options.retryable ?? false;
  }
}

export const isFault = (error: unknown, code?: FaultCode): error is Fault =>
  error instanceof Fault && (code === undefined || error.code === code);
