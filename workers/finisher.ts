// Finishes what was begun in the ledger and not shown in the gate: units that have yet to go back, redrives that were
// claimed and not handed over. Whoever began it died, or could not reach Redis.

import { driveLetter, type RedriveDeps } from '../src/desk/redrive.ts';
import type { Cancellation } from '../src/domain/cancellation.ts';
import type { StoredDeadLetter } from '../src/domain/dead-letter.ts';
import type { Returns } from '../src/gate/port.ts';
import { finishReturn } from '../src/giving-back/give-back.ts';
import { pause } from '../src/process/lifecycle.ts';
import { limits } from '../src/process/limits.ts';

export interface FinisherDeps extends RedriveDeps {
  returns: Pick<Returns, 'redrive' | 'giveBack'>;
  store: RedriveDeps['store'] & { takeStuckRedrives: (idleMs: number) => Promise<StoredDeadLetter[]> };
  cancellations: {
    listUnreturned: (idleMs: number) => Promise<Cancellation[]>;
    markReturned: (cancellation: Cancellation) => Promise<void>;
  };
  /** How long something must be half done before it is taken over. */
  idleMs?: number;
  onError: (error: unknown) => void;
}

const LOOK_MS = 1_000;

export async function finishHalfDone(deps: FinisherDeps, stopping: AbortSignal): Promise<void> {
  const { idleMs = limits.halfDoneMs, onError } = deps;
  while (!stopping.aborted) {
    await finishReturns(deps, idleMs).catch(onError);
    await finishRedrives(deps, idleMs).catch(onError);
    await pause(Math.min(LOOK_MS, idleMs), stopping);
  }
}

async function finishReturns(deps: FinisherDeps, idleMs: number): Promise<void> {
  for (const cancellation of await deps.cancellations.listUnreturned(idleMs)) {
    const [view] = await deps.readGates([cancellation.campaign]);
    // Without a gate there is nowhere to return it to; one that is rebuilt counts the unit as free.
    if (view === undefined) continue;
    await finishReturn({ ...deps, store: deps.cancellations }, view, cancellation).catch(deps.onError);
  }
}

/** Taken over one asker at a time, so that of several workers one does it. */
async function finishRedrives(deps: FinisherDeps, idleMs: number): Promise<void> {
  for (const letter of await deps.store.takeStuckRedrives(idleMs)) {
    await driveLetter(deps, letter).catch(deps.onError);
  }
}
