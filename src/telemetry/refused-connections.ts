// Counts connections that a listener closed because their address had as many as it may have, and logs them in one line
// a while: behind a proxy that TRUSTED_PROXIES does not name, those are buyers.

import { refusedConnectionCount } from './http-metrics.ts';
import type { Log } from './log.ts';
import { createLogOnce } from './log-once.ts';

type Listener = 'public' | 'admin';

/** Call it once telemetry has started. What it returns is called for each connection that was closed. */
export function tellRefusedConnections(log: Pick<Log, 'warn'>): (listener: Listener) => void {
  const counts = refusedConnectionCount();
  const once = createLogOnce<Listener>();
  return (listener) => {
    counts[listener] += 1;
    once(
      listener,
      () => log.warn({ listener }, 'closed a new connection: its address has as many as it may have'),
      (count, withinMs) => log.warn({ listener, count, withinMs }, 'closed more new connections of such addresses'),
    );
  };
}
