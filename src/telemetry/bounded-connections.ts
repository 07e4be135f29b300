// Counts what a listener does to connections of an address that has too many of them, or is refused too often, and logs it
// in one line a while: behind a proxy that TRUSTED_PROXIES does not name, those are buyers.

import { type BoundedListener, refusedConnectionCount, slowedConnectionCount } from './http-metrics.ts';
import type { Log } from './log.ts';
import { createLogOnce } from './log-once.ts';

export interface HearBounds {
  /** Called for each new connection that was closed, because its address had as many as it may have. */
  onRefused: () => void;
  /** Called each time when a connection was not read for a while, because its address was refused too often. */
  onSlowed: () => void;
}

/** Call it once telemetry has started. What it returns hears of the connections of a listener. */
export function tellBoundedConnections(log: Pick<Log, 'warn'>): (listener: BoundedListener) => HearBounds {
  const refused = refusedConnectionCount();
  const slowed = slowedConnectionCount();
  return (listener) => ({
    onRefused: tell(log, listener, refused, {
      first: 'closed a new connection: its address has as many as it may have',
      more: 'closed more new connections of such addresses',
    }),
    onSlowed: tell(log, listener, slowed, {
      first: 'does not read a connection for a while: its address is refused too often',
      more: 'did not read more connections of such addresses for a while',
    }),
  });
}

function tell(
  log: Pick<Log, 'warn'>,
  listener: BoundedListener,
  counts: Record<BoundedListener, number>,
  { first, more }: { first: string; more: string },
): () => void {
  const once = createLogOnce<BoundedListener>();
  return () => {
    counts[listener] += 1;
    once(
      listener,
      () => log.warn({ listener }, first),
      (count, withinMs) => log.warn({ listener, count, withinMs }, more),
    );
  };
}
