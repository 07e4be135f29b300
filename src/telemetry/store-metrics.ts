// The numbers of the stores as a process meets them, and of its ways to them.
import { counter, gauge, gauges } from './instruments.ts';

export interface StoreReadings {
  connections: (server: 'redis' | 'database') => { open: number; max: number } | undefined;
  /** `maxBytes` is 0 for no limit; `isSaved` when the last rewrite of the log and the last snapshot went well. */
  memory: () => { usedBytes: number; maxBytes: number; forkSeconds: number; isSaved: boolean } | undefined;
}

/** Of all clients of the servers, as a front reads them: one call for each front. */
export function storeMetrics({ connections, memory }: StoreReadings): void {
  for (const server of ['redis', 'database'] as const) {
    const labels = { server };
    const open = 'Connections of all clients that the server has open; in a Cluster of the fullest primary';
    gauge('sluice_server_connections', open, () => connections(server)?.open, labels);
    gauge(
      'sluice_server_connections_max',
      'Connections that the server allows',
      () => connections(server)?.max,
      labels,
    );
  }
  gauge(
    'sluice_redis_memory_bytes',
    'Memory that Redis uses; in a Cluster of the fullest primary',
    () => memory()?.usedBytes,
  );
  gauge(
    'sluice_redis_memory_max_bytes',
    'Memory that Redis may use (maxmemory); 0 for no limit',
    () => memory()?.maxBytes,
  );
  gauge(
    'sluice_redis_fork_seconds',
    'Time that the last fork of Redis took, during which it answered nothing',
    () => memory()?.forkSeconds,
  );
  gauge('sluice_redis_saved', '1 while the last rewrite of the log and the last snapshot went well', () => {
    const found = memory();
    return found === undefined ? undefined : Number(found.isSaved);
  });
}

/** Whether a dependency's breaker is open, and how often it has opened: one call for each breaker of the process. */
export function breakerMetrics(
  dependency: string,
  breaker: { isOpen: () => boolean; openedCount: () => number },
): void {
  const label = { dependency };
  gauge(
    'sluice_breaker_open',
    '1 while the breaker is open: the process sends this dependency only probes',
    () => Number(breaker.isOpen()),
    label,
  );
  counter('sluice_breaker_openings', 'Number of times the breaker has opened', () => [[breaker.openedCount(), label]]);
}

interface Pool {
  name: string;
  connectionMax: number;
  usage: () => { inUseCount: number; waitingCount: number };
}

/** The connections of the pools of this process to the ledger: one call. */
export function poolMetrics(...pools: readonly Pool[]): void {
  const each = (read: (pool: Pool) => number) => () => pools.map((pool) => [read(pool), { pool: pool.name }] as const);
  gauges(
    'sluice_ledger_connections_in_use',
    'Connections in use',
    each(({ usage }) => usage().inUseCount),
  );
  gauges(
    'sluice_ledger_connections_waiting',
    'Callers waiting for a connection',
    each(({ usage }) => usage().waitingCount),
  );
  gauges(
    'sluice_ledger_connections_max',
    'Connections that the pool may open',
    each(({ connectionMax }) => connectionMax),
  );
}
