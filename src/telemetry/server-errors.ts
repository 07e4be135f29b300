// Counts answers with a 5xx and logs them with their cause: the first of a kind at once, then one line for all that
// follow within a while, because in an outage there are thousands a second and all say the same.
import type { ServerError, ServerErrorKind } from '../domain/server-error.ts';
import { limits } from '../limits.ts';
import type { Log } from './log.ts';
import { serverErrorCounts } from './metrics.ts';

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
  const leftOut = new Map<ServerErrorKind, number>();
  return ({ kind, status, listener, at, cause }) => {
    counts[kind] += 1;
    const left = leftOut.get(kind);
    if (left !== undefined) {
      leftOut.set(kind, left + 1);
      return;
    }
    const level = ERRORS.has(kind) ? 'error' : 'warn';
    const reason = cause instanceof Error ? { err: cause } : { reason: cause };
    log[level]({ kind, status, listener, at, ...reason }, 'answered with a server error');
    leftOut.set(kind, 0);
    setTimeout(() => {
      const count = leftOut.get(kind) ?? 0;
      leftOut.delete(kind);
      const withinMs = limits.serverErrorLogMs;
      if (count > 0) log[level]({ kind, count, withinMs }, 'more server errors of this kind, without a line each');
    }, limits.serverErrorLogMs).unref();
  };
}
