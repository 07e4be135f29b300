// The front of the incident reports, tuned: each request sends its message and answers once the brokers have it. The producer is
// idempotent with acks=all. What comes while a batch is on its way goes in the next one, which waits for --linger ms more, as
// `linger.ms` of Kafka's Java client does.
// Usage: node hono-kafka.ts --port N --brokers host:port --topic T --linger MS
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { crc32 } from 'node:zlib';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { isCampaignId, isUserId } from '../../src/domain/ids.ts';
import { openProducer } from '../../src/kafka/clients.ts';
import { serverAt } from './kafka-server.ts';

const { values } = parseArgs({
  options: {
    port: { type: 'string' },
    brokers: { type: 'string' },
    topic: { type: 'string' },
    linger: { type: 'string' },
  },
});
const topic = values.topic!;
const lingerMs = Number(values.linger);
const producer = openProducer(serverAt(values.brokers!), 'peer-front');
const partitions = (await producer.metadata({ topics: [topic] })).topics.get(topic)!.partitionsCount;
const HEADERS = { 'content-type': 'application/json', 'cache-control': 'no-store' };

interface Message {
  topic: string;
  partition: number;
  key: Buffer;
  value: Buffer;
}

let waiting: Message[] = [];
let next: Promise<void> | undefined;
let sending: Promise<void> = Promise.resolve();

/** Resolves once the message is in the topic. */
function send(message: Message): Promise<void> {
  waiting.push(message);
  next ??= sendNext(sending);
  return next;
}

async function sendNext(before: Promise<void>): Promise<void> {
  await before.catch(() => undefined);
  if (lingerMs > 0) await sleep(lingerMs);
  const messages = waiting;
  waiting = [];
  next = undefined;
  sending = producer.send({ messages }).then(() => undefined);
  await sending;
}

const app = new Hono();
app.get('/readyz', (c) => c.text('ready'));

app.post('/v1/campaigns/:id/tickets', async (c) => {
  const campaign = c.req.param('id');
  const user = c.req.header('x-user-id');
  if (!isCampaignId(campaign)) return c.notFound();
  if (user === undefined || !isUserId(user)) return c.json({ error: 'identity-required' }, 401);
  await send({
    topic,
    partition: crc32(user) % partitions,
    key: Buffer.from(user),
    value: Buffer.from(JSON.stringify({ campaign, user, at: Date.now() })),
  });
  return new Response(JSON.stringify({ campaign, status: 'queued' }), { status: 202, headers: HEADERS });
});

serve({ fetch: app.fetch, port: Number(values.port), hostname: '127.0.0.1' });
