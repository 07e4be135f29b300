// Names of the work streams and of the retry queue, as the semantic conventions for messaging want them:
// https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/. They know no value for Redis Streams and BullMQ.
import type { Attributes } from '@opentelemetry/api';

type Operation = 'send' | 'process' | 'settle';

/** What the stream of one shard of a campaign is; its destination is the same for all campaigns. */
export const streamAttributes = (operation: Operation, campaign: string, shard: number): Attributes => ({
  'messaging.system': 'redis',
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
