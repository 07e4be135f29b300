// Tells other services what was issued and cancelled, from the outbox of the ledger. One worker at a time does, by a lease.
//
// Order of effects, and what a crash between two of them does:
//   issued or cancelled, with the row of the outbox   one transaction: both or none
//   row → told                                        crash: the row is there, the next publisher tells it
//   told → row removed                                crash: told again, with the same id
//   removed                                           nobody tells it again
//
// A worker that lost its lease while it told may repeat events behind later ones: `sequence` says which is the later one.
import type { Outbox, OutboxSize, Publish } from '../src/outbox/port.ts';
import { backoffMs, pause } from '../src/process/lifecycle.ts';
import { limits } from '../src/process/limits.ts';
import { type LeasedDeps, whileLeased } from './leased.ts';

export interface PublisherDeps extends LeasedDeps {
  outbox: Outbox;
  publish: Publish;
  /** Takes how many entries were told. */
  onPublished: (count: number) => void;
  /** Takes what waits. */
  onOutbox: (size: OutboxSize) => void;
  /** Takes how many entries were removed that nobody was told of. */
  onUntold: (count: number) => void;
}

export const publishOutbox = (deps: PublisherDeps, stopping: AbortSignal): Promise<void> =>
  whileLeased(deps, (ending) => publishUntil(deps, ending), stopping);

async function publishUntil(deps: PublisherDeps, ending: AbortSignal): Promise<void> {
  const { outbox, publish, onPublished, onOutbox, onError } = deps;
  let sizeAt = 0;
  for (let failureCount = 0; !ending.aborted; ) {
    try {
      // Before anything is told: while a service is away, the outbox grows.
      if (performance.now() >= sizeAt) {
        await removeOld(deps);
        onOutbox(await outbox.size());
        sizeAt = performance.now() + limits.outboxSizeMs;
      }
      const entries = await outbox.oldest(limits.outboxReadMax);
      if (entries.length > 0) {
        await publish(entries);
        await outbox.remove(entries.map(({ id }) => id));
        onPublished(entries.length);
      }
      failureCount = 0;
      if (entries.length < limits.outboxReadMax) await pause(limits.outboxLookMs, ending);
    } catch (error) {
      onError(error);
      await pause(backoffMs(failureCount++, limits.backoffMinMs, limits.backoffMaxMs), ending);
    }
  }
}

/** What no service could be told for so long must not fill the database in which tickets are issued. */
async function removeOld({ outbox, onUntold }: PublisherDeps): Promise<void> {
  const count = await outbox.removeOlder(limits.outboxKeptMs);
  if (count > 0) onUntold(count);
}
