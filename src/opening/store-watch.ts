// How near both servers are to their limits: a few small questions in ten seconds, whatever is on sale.
import { pause } from '../process/lifecycle.ts';
import { limits } from '../process/limits.ts';

export type StoreQuestions<F extends object> = { readonly [name in keyof F]: () => Promise<F[name]> };

export interface StoreWatch<F extends object> extends AsyncDisposable {
  /** Undefined until the server has answered this question, and while it does not. */
  seen: <N extends keyof F>(name: N) => F[N] | undefined;
}

/** Asks each question by itself until it is disposed of. A server that does not let an account ask is reported once, and so is each outage. */
export function watchStores<F extends object>(
  read: StoreQuestions<F>,
  onError: (error: unknown) => void,
): StoreWatch<F> {
  const stopped = new AbortController();
  const answers = new Map<keyof F, F[keyof F]>();
  const failing = new Set<keyof F>();
  const look = async (name: keyof F): Promise<void> => {
    try {
      answers.set(name, await read[name]());
      failing.delete(name);
    } catch (error) {
      answers.delete(name);
      if (!failing.has(name)) onError(error);
      failing.add(name);
    }
  };
  const keepLooking = async (name: keyof F): Promise<void> => {
    while (!stopped.signal.aborted) {
      await look(name);
      await pause(limits.connectionsLookMs, stopped.signal);
    }
  };
  const looking = Promise.all((Object.keys(read) as (keyof F)[]).map(keepLooking));
  return {
    seen: (name) => answers.get(name) as F[typeof name] | undefined,
    [Symbol.asyncDispose]: async () => {
      stopped.abort();
      await looking;
    },
  };
}
