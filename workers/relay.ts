// Carries tickets from the gates' streams to another broker, where one is chosen. One worker at a time does, by a lease.
//
// Order of effects, and what a crash between two of them does:
//   read from the stream → in the topic   crash: pending, and behind the mark: the next relay reads it again
//   in the topic → mark                   crash: carried again; workers find it settled or in hand
//   mark → lease taken by another         the next relay begins behind the mark
//
// The streams are the outbox: an entry stays pending, in the hands of the relay and then of a worker, until its gate settles
// it. What is carried twice a worker finds settled, or in hand.
import type { CarriedEntry, SendRecords } from '../src/broker/kafka/record.ts';
import type { Batch, TicketSource } from '../src/broker/port.ts';
import type { GateLease } from '../src/gate/port.ts';
import { backoffMs, pause } from '../src/process/lifecycle.ts';
import { limits } from '../src/process/limits.ts';

export interface RelayDeps {
  send: SendRecords;
  /** Notes how far a shard has been carried. */
  noteCarried: (batch: Batch) => Promise<void>;
  /** Takes how many entries were carried. */
  onCarried: (count: number) => void;
  onError: (error: unknown) => void;
  /** Undefined while another worker has it. */
  takeLease: () => Promise<GateLease | undefined>;
  /** Of the relay's own consumer: what it has released as settled it does not receive again. */
  openSource: () => TicketSource;
  /** Looks once for entries that wait although workers are past them, and carries them again. */
  lookForLost: () => Promise<void>;
  /** How often it looks. */
  lookForLostMs: number;
}

export async function relayTickets(deps: RelayDeps, stopping: AbortSignal): Promise<void> {
  while (!stopping.aborted) {
    try {
      await using lease = await deps.takeLease();
      if (lease !== undefined) await relayUntil(deps, AbortSignal.any([stopping, lease.lost]));
    } catch (error) {
      deps.onError(error);
    }
    await pause(limits.relayTakeMs, stopping);
  }
}

async function relayUntil(deps: RelayDeps, ending: AbortSignal): Promise<void> {
  const source = deps.openSource();
  try {
    await Promise.all([carryOn(deps, source, ending), keepLooking(deps, ending)]);
  } finally {
    // What it had read and not carried is pending behind the mark.
    await source.close();
  }
}

async function keepLooking({ lookForLost, lookForLostMs, onError }: RelayDeps, ending: AbortSignal): Promise<void> {
  while (!ending.aborted) {
    await lookForLost().catch(onError);
    await pause(lookForLostMs, ending);
  }
}

async function carryOn(deps: RelayDeps, source: TicketSource, ending: AbortSignal): Promise<void> {
  const { onError } = deps;
  for (let failureCount = 0; !ending.aborted; ) {
    const batches = await source.receive(limits.receiveMs);
    if (batches.length === 0) continue;
    try {
      await carry(deps, source, batches);
      failureCount = 0;
    } catch (error) {
      onError(error);
      await pause(backoffMs(failureCount++, limits.backoffMinMs, limits.backoffMaxMs), ending);
      // What part of it is in the topic is not known: all of it is carried again.
      for (const batch of batches) source.release(batch, 'unsettled');
    }
  }
}

async function carry(
  { send, noteCarried, onCarried, onError }: RelayDeps,
  source: TicketSource,
  batches: readonly Batch[],
): Promise<void> {
  const carried = batches.flatMap(({ campaign, epoch, shard, entries }) =>
    entries.map((entry): CarriedEntry => ({ campaign, epoch, shard, entry })),
  );
  await send(carried);
  onCarried(carried.length);
  await Promise.all(
    batches.map(async (batch) => {
      // A note that is missing makes the next relay carry the batch again, and a gate of a later epoch takes none.
      await noteCarried(batch).catch(onError);
      source.release(batch, 'settled');
    }),
  );
}
