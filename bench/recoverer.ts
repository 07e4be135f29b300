// A worker that recovers gates and does nothing else: what recovery costs is then not mixed with what reading work costs.
import { composeWorker } from '../src/composition/worker.ts';
import { configOrExit } from '../src/config/config.ts';
import { openWorker } from '../src/opening/worker.ts';
import { listenForStop } from '../src/process/lifecycle.ts';
import { createLog } from '../src/telemetry/log.ts';
import { dutiesOf } from '../workers/duties.ts';

const config = configOrExit({ always: ['REDIS_URL', 'DATABASE_URL', 'COUPON_KEY'] });
const name = config.workers.name ?? 'recoverer';
const log = createLog('sluice-recoverer', config.logLevel);
const onError = (error: unknown) => log.error({ err: error }, 'a worker duty failed');
const { signal: stopping } = listenForStop();
await using open = new AsyncDisposableStack();
const parts = await openWorker(config, { name, log, onError }, open);
const worker = composeWorker(
  parts,
  {
    name,
    couponKey: config.couponKey!,
    claimIdleMs: config.workers.claimIdleMs,
    durability: config.durability,
    graceMs: config.workers.recoveryGraceMs,
    retainEndedMs: config.workers.retainEndedMs,
    retainLedgerMs: undefined,
  },
  {
    onRecoveryProgress: (progress) =>
      log.warn(progress, progress.isOver ? 'recovered closed gates' : 'recovering closed gates'),
    onError,
  },
);
const { recover } = dutiesOf(worker, {
  workOnRetries: async () => undefined,
  readiness: () => ({ reasons: [], warnings: [] }),
});
await recover(stopping);
