// The ceiling of the front: the same parsing, signing, bodies and headers as Sluice's handlers, with no store behind them.
// Usage: node bare-hono.ts --port N
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { isCampaignId, isUserId, userTag } from '../../src/domain/ids.ts';
import { signTicket, type TicketKeys } from '../../src/domain/ticket.ts';

const { values } = parseArgs({ options: { port: { type: 'string' } } });
const keys: TicketKeys = { current: 1, keys: new Map([[1, randomBytes(32)]]) };
const SECURE_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};
const JSON_HEADERS = { ...SECURE_HEADERS, 'content-type': 'application/json' };
const PROBLEM_HEADERS = { ...SECURE_HEADERS, 'content-type': 'application/problem+json' };
let seq = 0;

const app = new Hono();
app.get('/readyz', (c) => c.text('ready'));

app.post('/v1/campaigns/:id/tickets', (c) => {
  const campaign = c.req.param('id');
  const user = c.req.header('x-user-id');
  if (!isCampaignId(campaign)) return problem(404, 'unknown-campaign', 'There is no such campaign');
  if (user === undefined || !isUserId(user))
    return problem(401, 'unidentified', 'The request does not identify a user');
  // A refusal needs the tag as well: a user who holds a ticket is never refused, so every front looks for them first.
  const tag = userTag(campaign, user);
  if (campaign === 'sold-out') return problem(409, 'sold-out', 'All units are taken');
  seq += 1;
  const ticket = signTicket(keys, { campaign, epoch: 1, seq, unit: seq, admittedAt: Date.now(), tag });
  const body = waiting(ticket, campaign);
  const headers = { ...JSON_HEADERS, location: body.links.self, 'retry-after': '1' };
  return new Response(JSON.stringify(body), { status: 202, headers });
});

app.get('/v1/tickets/:ticket', (c) => {
  return new Response(JSON.stringify(waiting(c.req.param('ticket'), 'bench')), { status: 200, headers: JSON_HEADERS });
});

serve({ fetch: app.fetch, port: Number(values.port), hostname: '127.0.0.1' });

function waiting(ticket: string, campaign: string) {
  return {
    ticket,
    campaign,
    status: 'queued',
    seq,
    ahead: seq,
    eta: { known: true, p50Ms: 1200, p90Ms: 2400 },
    pollAfterMs: 1000 + (seq % 400),
    durability: 'disk',
    links: { self: `/v1/tickets/${ticket}`, campaign: `/v1/campaigns/${campaign}` },
  };
}

function problem(status: number, slug: string, title: string): Response {
  const body = { type: `urn:problem-type:sluice:${slug}`, title, status };
  return new Response(JSON.stringify(body), { status, headers: PROBLEM_HEADERS });
}
