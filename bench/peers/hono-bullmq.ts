// The front that users build from Hono, rate-limiter-flexible and BullMQ, tuned as their manuals advise: one shared
// connection, no per-request objects that are not needed, completed jobs removed, and the job id as the deduplication.
// Usage: node hono-bullmq.ts --port N --redis URL
import { parseArgs } from 'node:util';
import { serve } from '@hono/node-server';
import { Queue } from 'bullmq';
import { Hono } from 'hono';
import { Redis } from 'ioredis';
import { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { isCampaignId, isUserId } from '../../src/domain/ids.ts';

const { values } = parseArgs({ options: { port: { type: 'string' }, redis: { type: 'string' } } });
const redis = new Redis(values.redis!, { maxRetriesPerRequest: null, enableReadyCheck: true });
const queue = new Queue('tickets', {
  connection: redis,
  defaultJobOptions: {
    removeOnComplete: true,
    removeOnFail: 1000,
    attempts: 3,
    backoff: { type: 'exponential', delay: 1000 },
  },
});
// One bucket for the whole campaign, as Sluice's gate has; a key per user would cost Redis more.
const limiter = new RateLimiterRedis({ storeClient: redis, keyPrefix: 'rate', points: 10_000_000, duration: 1 });
const HEADERS = { 'content-type': 'application/json', 'cache-control': 'no-store' };

const app = new Hono();
app.get('/readyz', (c) => c.text('ready'));

app.post('/v1/campaigns/:id/tickets', async (c) => {
  const campaign = c.req.param('id');
  const user = c.req.header('x-user-id');
  if (!isCampaignId(campaign)) return c.notFound();
  if (user === undefined || !isUserId(user)) return c.json({ error: 'identity-required' }, 401);
  try {
    await limiter.consume(campaign);
  } catch (refusal) {
    if (!(refusal instanceof RateLimiterRes)) throw refusal;
    return c.json({ error: 'quota-exceeded' }, 429, { 'retry-after': String(Math.ceil(refusal.msBeforeNext / 1000)) });
  }
  const job = await queue.add('issue', { campaign, user }, { jobId: `${campaign}-${user}` });
  const self = `/v1/tickets/${job.id}`;
  const body = { ticket: job.id, campaign, status: 'queued', pollAfterMs: 1000, links: { self } };
  return new Response(JSON.stringify(body), {
    status: 202,
    headers: { ...HEADERS, location: self, 'retry-after': '1' },
  });
});

app.get('/v1/tickets/:id', async (c) => {
  const id = c.req.param('id');
  // The same script that job.getState() runs, without reading the job first: BullMQ's cheapest way to ask.
  const status = await queue.getJobState(id);
  if (status === 'unknown') return c.notFound();
  return new Response(JSON.stringify({ ticket: id, status, pollAfterMs: 1000 }), { status: 200, headers: HEADERS });
});

serve({ fetch: app.fetch, port: Number(values.port), hostname: '127.0.0.1' });
