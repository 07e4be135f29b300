// Somebody has the text of a ticket and no more: from a log, a Referer, a screen that was shared.
import { expect, type TestContext, test } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { until } from '../helpers/until.ts';
import { fronts } from '../http/front.ts';
import { issue } from '../http/issue.ts';
import { watch } from '../http/watch.ts';

const file = fronts();
const SECRET = 'the secret of the gateway';
const GATEWAY = { identity: { kind: 'gateway' as const, secrets: [SECRET] } };
const ANN = { 'x-user-id': 'ann', 'x-gateway-secret': SECRET };

async function issued(t: TestContext, settings: Parameters<typeof file.start>[1]) {
  const front = await file.start(t, settings);
  const campaign = await front.create();
  const { ticket } = (await front.join(campaign, 'ann')).body;
  await issue(t, front, file.ledger(), campaign);
  await until('it is issued', 60_000, async () => (await front.poll(ticket, ANN)).body.status === 'issued');
  return { front, ticket };
}

test('who had no more than the text read the code, by any way of asking', async (t) => {
  const { front, ticket } = await issued(t, GATEWAY);
  const owner = await front.poll(ticket, ANN);
  expect(owner.body).toMatchObject({ status: 'issued', issuance: { code: expect.any(String) } });
  const code = (owner.body.issuance as { code: string }).code;
  for (const headers of [{}, { prefer: 'wait=1' }, { 'x-user-id': 'ann' }] as Record<string, string>[]) {
    const found = await front.poll(ticket, headers);
    expect(found.text).not.toContain(code);
    if (found.status === 200) expect(found.body.status).toBe('issued');
  }
  const stream = await watch(`${front.url}/v1/tickets/${ticket}`);
  await stream.ended;
  expect(stream.events.length).toBeGreaterThan(0);
  expect(JSON.stringify(stream.events)).toContain('issued');
  expect(JSON.stringify(stream.events)).not.toContain(code);
});

test('who had no more than the text gave the ticket back', async (t) => {
  const { front, ticket } = await issued(t, GATEWAY);
  expect((await front.giveBack(ticket)).status).toBe(401);
  expect((await front.poll(ticket, ANN)).body.status).toBe('issued');
  expect((await front.giveBack(ticket, ANN)).body.status).toBe('cancelled');
});

test('with TICKETS_NEED_USER=off a ticket is its bearer’s', async (t) => {
  const { front, ticket } = await issued(t, { ...GATEWAY, ticketsNeedUser: false });
  expect((await front.poll(ticket)).body.issuance).toBeDefined();
  expect((await front.giveBack(ticket)).status).toBe(200);
});

test('the owner is asked for unless the bare header says who asks, or a setting says otherwise', () => {
  const needs = (settings: Record<string, string>) => readConfig(settings).ticketsNeedUser;
  expect(needs({})).toBe(false);
  expect(needs({ GATEWAY_SECRET: SECRET })).toBe(true);
  expect(needs({ GATEWAY_SECRET: SECRET, TICKETS_NEED_USER: 'off' })).toBe(false);
  expect(needs({ TICKETS_NEED_USER: 'on' })).toBe(true);
});
