// What a run holds and must give back, in reverse order, whatever happened to it.
import type { Owner } from '../../helpers/tcp-proxy.ts';

export interface Scope extends Owner {
  /** Gives everything back; what could not be given back does not keep the rest. */
  close: () => Promise<void>;
}

export function openScope(): Scope {
  const closers: (() => Promise<void> | void)[] = [];
  return {
    onTestFinished: (close) => void closers.push(close),
    close: async () => {
      const errors: unknown[] = [];
      for (const close of closers.splice(0).toReversed()) {
        await Promise.resolve()
          .then(close)
          .catch((error: unknown) => errors.push(error));
      }
      if (errors.length > 0) throw new AggregateError(errors, `${errors.length} things could not be given back`);
    },
  };
}
