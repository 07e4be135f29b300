// In an outage the same thing is said thousands of times a second: the first line of a kind is written at once, and the
// others of a while become one line with their number, so that a reader sees that it goes on and no disk fills.
import { limits } from '../process/limits.ts';
import { describeError } from './describe-error.ts';
import type { Log } from './log.ts';

/**
 * Calls `write` for the first of a `kind` at once; `writeRest` of the newest, at most once in `withinMs`, with how many
 * came after the first without a line.
 */
export function createLogOnce<Kind extends string>(
  withinMs: number = limits.sameLogMs,
): (kind: Kind, write: () => void, writeRest: WriteRest) => void {
  const leftOut = new Map<Kind, { count: number; writeRest: WriteRest }>();
  return (kind, write, writeRest) => {
    const left = leftOut.get(kind);
    if (left !== undefined) {
      left.count += 1;
      left.writeRest = writeRest;
      return;
    }
    const rest = { count: 0, writeRest };
    leftOut.set(kind, rest);
    write();
    setTimeout(() => {
      leftOut.delete(kind);
      if (rest.count > 0) rest.writeRest(rest.count, withinMs);
    }, withinMs).unref();
  };
}

type WriteRest = (count: number, withinMs: number) => void;

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
