// Counts wrong tokens on the admin listener, and logs them in one line a while.

import { adminRefusalCount } from './http-metrics.ts';
import type { Log } from './log.ts';
import { createLogOnce } from './log-once.ts';

/** Call it once telemetry has started. What it returns is called for each wrong token. */
export function tellAdminRefusals(log: Pick<Log, 'warn'>): () => void {
  const count = adminRefusalCount();
  const once = createLogOnce<'wrong'>();
  return () => {
    count.wrong += 1;
    once(
      'wrong',
      () => log.warn('the admin API rejected a wrong token'),
      (more, withinMs) =>
        log.warn({ count: more, withinMs }, 'the admin API rejected more wrong tokens; this line counts them'),
    );
  };
}
