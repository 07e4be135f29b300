// What the duty takes that tells other services, where some are told.
import { takeLease } from '../gate/redis/locks.ts';
import { createOutbox } from '../ledger/outbox.ts';
import { limits } from '../process/limits.ts';
import { keys } from '../redis/keys.ts';
import type { WorkerEvents } from './heard.ts';
import type { WorkerParts, WorkerSettings } from './worker-parts.ts';

export function publishingDuty(
  { redis, ledger, publish }: WorkerParts,
  { name }: WorkerSettings,
  { onPublished, onOutbox, onUntold, onError }: WorkerEvents,
) {
  if (publish === undefined) return undefined;
  const spans = { leaseMs: limits.relayLeaseMs, renewMs: limits.relayRenewMs };
  return {
    outbox: createOutbox(ledger),
    publish,
    takeLease: () => takeLease(redis, keys.publisher, name, spans),
    onPublished,
    onOutbox,
    onUntold,
    onError,
  };
}
