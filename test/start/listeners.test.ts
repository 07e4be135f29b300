// Settings of the listeners, from the environment of a real front to what it answers.
import { expect, test } from 'vitest';
import { startFront } from '../helpers/processes.ts';
import { redisUrl, uniqueName } from '../helpers/services.ts';
import { ownDatabase } from '../ledger/own-database.ts';

const database = ownDatabase();
const SHOP = 'https://shop.example';

test('a front serves below a path, to pages of another origin, and keeps connections as it was told', {
  timeout: 90_000,
}, async (t) => {
  const front = await startFront(
    t,
    { redisUrl: redisUrl(), databaseUrl: database.url() },
    {
      KEEP_ALIVE_MS: '120000',
      CORS_ORIGINS: SHOP,
      PUBLIC_URL: `${SHOP}/sale/`,
      ADMIN_URL: 'https://ops.example/sluice',
    },
  );
  const campaign = uniqueName('listeners');
  const headers = { authorization: `Bearer ${front.adminToken}`, 'content-type': 'application/json' };
  const body = JSON.stringify({ id: campaign, stock: 1 });
  const created = await fetch(`${front.adminUrl}/admin/campaigns`, { method: 'POST', headers, body });
  expect([created.status, created.headers.get('keep-alive')]).toEqual([201, 'timeout=120']);
  const joined = await fetch(`${front.url}/v1/campaigns/${campaign}/tickets`, {
    method: 'POST',
    headers: { 'x-user-id': 'ann', origin: SHOP },
  });
  expect([joined.status, joined.headers.get('keep-alive')]).toEqual([202, 'timeout=120']);
  expect(joined.headers.get('location')).toMatch(/^https:\/\/shop\.example\/sale\/v1\/tickets\//);
  expect(joined.headers.get('access-control-allow-origin')).toBe(SHOP);
  const documents = await Promise.all(
    [front.url, front.adminUrl].map(
      async (url) => (await (await fetch(`${url}/openapi.json`, { headers })).json()) as object,
    ),
  );
  expect(documents).toMatchObject([
    { servers: [{ url: `${SHOP}/sale` }] },
    { servers: [{ url: 'https://ops.example/sluice' }] },
  ]);
});
