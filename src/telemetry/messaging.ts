// Names of the work streams and of the retry queue, as the semantic conventions for messaging want them:
// https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/. They know no value for Redis Streams and BullMQ.
import type { Attributes } from '@opentelemetry/api';

type Operation = 'send' | 'process' | 'settle';

/** What carries tickets from the gate to a worker. The gate is told that they are settled in Redis, whatever carries them. */
export type Carrier = 'redis' | 'kafka';

/** What the stream of one shard of a campaign is; its destination is the same for all campaigns. */
export const streamAttributes = (
  operation: Operation,
  campaign: string,
  shard: number,
  carrier: Carrier = 'redis',
): Attributes => ({
  'messaging.system': carrier,
  'messaging.operation.type': operation,
  'messaging.operation.name': operation === 'settle' ? 'ack' : operation,
  'messaging.destination.name': TICKETS,
  'messaging.destination.partition.id': String(shard),
  'sluice.campaign': campaign,
});

export const retryAttributes = (operation: Operation, campaign: string): Attributes => ({
  'messaging.system': 'bullmq',
  'messaging.operation.type': operation,
  'messaging.operation.name': operation === 'settle' ? 'ack' : operation,
  'messaging.destination.name': RETRIES,
  'sluice.campaign': campaign,
});

/** A script of ours in Redis: https://opentelemetry.io/docs/specs/semconv/database/redis/. */
export const scriptAttributes = (script: string, campaign: string): Attributes => ({
  'db.system.name': 'redis',
  'db.operation.name': 'EVALSHA',
  'db.stored_procedure.name': script,
  'sluice.campaign': campaign,
});

export const TICKETS = 'tickets';
export const RETRIES = 'issuance';
