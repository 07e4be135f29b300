// Counts wrong tokens on the admin listener, and logs the first at once and one line for those that follow within a while.
import { limits } from '../limits.ts';
import type { Log } from './log.ts';
import { adminRefusalCount } from './metrics.ts';

/** Call it once telemetry has started. What it returns is called for each wrong token. */
export function tellAdminRefusals(log: Pick<Log, 'warn'>): () => void {
  const count = adminRefusalCount();
  let leftOut: number | undefined;
  return () => {
    count.wrong += 1;
    if (leftOut !== undefined) {
      leftOut += 1;
      return;
    }
    log.warn('the admin API refused a wrong token');
    leftOut = 0;
    setTimeout(() => {
      const withinMs = limits.serverErrorLogMs;
      if (leftOut)
        log.warn({ count: leftOut, withinMs }, 'the admin API refused more wrong tokens, without a line each');
      leftOut = undefined;
    }, limits.serverErrorLogMs).unref();
  };
}
