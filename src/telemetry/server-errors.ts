// Counts answers with a 5xx and logs them with their cause: of each kind the first at once, then a line a second.
import type { ServerError, ServerErrorKind } from '../domain/server-error.ts';
import { limits } from '../process/limits.ts';
import { serverErrorCounts } from './http-metrics.ts';
import type { Log } from './log.ts';
import { createLogOnce } from './log-once.ts';

/** Kinds that somebody has to look at; the others are how an overload, an outage or an operator looks from outside. */
const ERRORS: ReadonlySet<ServerErrorKind> = new Set([
  'defect',
  'corrupt-state',
  'redis-unavailable',
  'ledger-unavailable',
  'internal',
  'other',
]);

/** Call it once telemetry has started. */
export function tellServerErrors(log: Pick<Log, 'warn' | 'error'>): (error: ServerError) => void {
  const counts = serverErrorCounts();
  const once = createLogOnce<ServerErrorKind>(limits.serverErrorLogMs);
  return ({ kind, status, listener, at, cause }) => {
    counts[kind] += 1;
    const level = ERRORS.has(kind) ? 'error' : 'warn';
    const reason = cause instanceof Error ? { err: cause } : { reason: cause };
    once(
      kind,
      () => log[level]({ kind, status, listener, at, ...reason }, 'answered with a server error'),
      (count, withinMs) =>
        log[level](
          { kind, count, withinMs, status, listener, at, ...reason },
          'answered with more server errors of this kind; this line counts them and describes the newest',
        ),
    );
  };
}
