// A duty that one worker at a time does, by a lease.
import type { GateLease } from '../src/gate/port.ts';
import { pause } from '../src/process/lifecycle.ts';
import { limits } from '../src/process/limits.ts';

export interface LeasedDeps {
  /** Undefined while another worker has it. */
  takeLease: () => Promise<GateLease | undefined>;
  onError: (error: unknown) => void;
}

/** Does `work` while this worker has the lease, until `stopping` aborts; `ending` aborts then, and when the lease is lost. */
export async function whileLeased(
  { takeLease, onError }: LeasedDeps,
  work: (ending: AbortSignal) => Promise<void>,
  stopping: AbortSignal,
): Promise<void> {
  while (!stopping.aborted) {
    try {
      await using lease = await takeLease();
      if (lease !== undefined) await work(AbortSignal.any([stopping, lease.lost]));
    } catch (error) {
      onError(error);
    }
    await pause(limits.relayTakeMs, stopping);
  }
}
