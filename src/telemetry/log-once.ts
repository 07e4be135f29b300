// In an outage the same thing is said thousands of times a second: the first line of a kind is written at once, and the
// others of a while become one line with their number, so that a reader sees that it goes on and no disk fills.
import { limits } from '../process/limits.ts';
import { describeError } from './describe-error.ts';
import type { Log } from './log.ts';

/**
 * Calls `write` for the first of a `kind` at once; `writeRest`, at most once in `limits.sameLogMs`, with how many came
 * after it without a line.
 */
export function createLogOnce<Kind extends string>(): (
  kind: Kind,
  write: () => void,
  writeRest: (count: number, withinMs: number) => void,
) => void {
  const leftOut = new Map<Kind, number>();
  return (kind, write, writeRest) => {
    const left = leftOut.get(kind);
    if (left !== undefined) {
      leftOut.set(kind, left + 1);
      return;
    }
    leftOut.set(kind, 0);
    write();
    setTimeout(() => {
      const count = leftOut.get(kind) ?? 0;
      leftOut.delete(kind);
      if (count > 0) writeRest(count, limits.sameLogMs);
    }, limits.sameLogMs).unref();
  };
}

/** Logs errors as `message`; those of one name, code and place in our code are one kind. */
export function createErrorLog(log: Pick<Log, 'error'>, message: string): (error: unknown) => void {
  const once = createLogOnce();
  return (error) => {
    const { name, code, at, cause } = describeError(error);
    const kind = [name, code, at, cause?.name, cause?.code].join(' ');
    once(
      kind,
      () => log.error({ err: error }, message),
      (count, withinMs) => log.error({ err: error, count, withinMs }, `${message}; ${MORE}`),
    );
  };
}

const MORE = 'this line counts further errors of this kind';
