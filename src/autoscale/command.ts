// `npx sluice autoscale`: workers on this machine, as many as what waits calls for. It opens a connection to each store of its
// own; each worker opens the rest.
import { hostname } from 'node:os';
import type { Config } from '../config/config.ts';
import { createLines } from '../gate/redis/lines.ts';
import { readConnectionUse } from '../ledger/connection-use.ts';
import { openLedger } from '../ledger/pool.ts';
import { reachLedger } from '../ledger/reach.ts';
import { startAutoscaler } from '../local/autoscaler.ts';
import { createWorkerCrew } from '../local/worker-crew.ts';
import { listenForStop, untilAborted } from '../process/lifecycle.ts';
import { limits } from '../process/limits.ts';
import { openFast } from '../redis/connection.ts';
import { createReach } from '../redis/reach.ts';

/**
 * Runs until SIGTERM or SIGINT, then drains its workers. `config` has `workers.scale`, both addresses and the coupon key.
 * Rejects with a Fault when a store is not reached or a first worker cannot be started; nothing is left running then.
 */
export async function runAutoscaler(config: Config, say: (line: string) => void): Promise<void> {
  const { signal: stopping } = listenForStop();
  await using open = new AsyncDisposableStack();
  const { acquireMs, statementMs } = limits;
  const [redisUrl, databaseUrl] = [config.redisUrl!, config.databaseUrl!];
  const ledger = open.use(
    openLedger({ url: databaseUrl, name: 'autoscale', connectionMax: 1, queueMax: 10, acquireMs, statementMs }),
  );
  // What a store that is away means is said by the autoscaler itself, once.
  const reach = createReach(redisUrl, () => undefined);
  const redis = open.adopt(
    openFast({
      url: redisUrl,
      ca: config.redisCa,
      name: 'sluice-autoscale',
      onError: reach.onError,
      commandMs: limits.gateCallMs,
    }),
    (client) => client.disconnect(),
  );
  await reach.until(redis, limits.drainMs);
  await reachLedger(databaseUrl, () => ledger.run('SELECT 1', []));
  const couponKey = config.couponKey!;
  const plan = { config, redisUrl, databaseUrl, couponKey, prefix: prefixOf(config), report: say };
  // Stopped by the autoscaler; here it matters when the start fails.
  const crew = open.use(createWorkerCrew(plan));
  const lines = createLines(redis);
  const readings = { readWaiting: () => lines.waiting(), readConnections: () => readConnectionUse(ledger) };
  open.use(await startAutoscaler(crew, config.workers.scale!, { ...readings, report: say }));
  say(`workers: ${crew.count()} issue; SIGTERM stops them`);
  await untilAborted(stopping);
}

/** Two machines must not have workers of one name: each would take up what the other has received. */
const prefixOf = ({ workers }: Config): string =>
  (workers.name ?? hostname()).replaceAll(/[^A-Za-z0-9_.-]/g, '-').slice(0, 60);
