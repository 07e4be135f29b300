// How near both servers are to their limits of connections: a few small questions in ten seconds, whatever is on sale.
import type { ConnectionUse } from '../domain/connection-use.ts';
import { pause } from '../process/lifecycle.ts';
import { limits } from '../process/limits.ts';

export type Server = 'redis' | 'database';

export interface ConnectionWatch extends AsyncDisposable {
  /** Undefined until the server has answered, and while it does not. */
  seen: (server: Server) => ConnectionUse | undefined;
}

/** Looks until it is disposed of. An account that may not ask is reported once, and so is each outage. */
export function watchConnections(
  read: Record<Server, () => Promise<ConnectionUse | undefined>>,
  onError: (error: unknown) => void,
): ConnectionWatch {
  const stopped = new AbortController();
  const uses = new Map<Server, ConnectionUse | undefined>();
  const failing = new Set<Server>();
  const look = async (server: Server): Promise<void> => {
    try {
      uses.set(server, await read[server]());
      failing.delete(server);
    } catch (error) {
      uses.delete(server);
      if (!failing.has(server)) onError(error);
      failing.add(server);
    }
  };
  const keepLooking = async (server: Server): Promise<void> => {
    while (!stopped.signal.aborted) {
      await look(server);
      await pause(limits.connectionsLookMs, stopped.signal);
    }
  };
  const looking = Promise.all([keepLooking('redis'), keepLooking('database')]);
  return {
    seen: (server) => uses.get(server),
    [Symbol.asyncDispose]: async () => {
      stopped.abort();
      await looking;
    },
  };
}
