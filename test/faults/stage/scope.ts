// What a run holds and must give back, in reverse order, whatever happened to it.
import type { Owner } from '../../helpers/tcp-proxy.ts';

export interface Scope extends Owner {
  /** Gives everything back; what could not be given back does not keep the rest. */
  close: () => Promise<void>;
}

/** Longer than a server that was asked to stop may take until it is killed. */
const CLOSE_MS = 30_000;

export function openScope(): Scope {
  const closers: (() => Promise<void> | void)[] = [];
  return {
    onTestFinished: (close) => void closers.push(close),
    close: async () => {
      const errors: unknown[] = [];
      for (const close of closers.splice(0).toReversed()) {
        await inTime(Promise.resolve().then(close)).catch((error: unknown) => errors.push(error));
      }
      if (errors.length > 0) {
        const texts = errors.map((error) => (error instanceof Error ? error.message : String(error)));
        throw new AggregateError(errors, `${errors.length} things could not be given back: ${texts.join('; ')}`);
      }
    },
  };
}

/** One that never ends would keep everything that is to be given back after it. */
async function inTime(closing: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not given back within ${CLOSE_MS / 1_000} s`)), CLOSE_MS);
  });
  await Promise.race([closing, late]).finally(() => clearTimeout(timer));
}
