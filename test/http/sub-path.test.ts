// Behind a proxy that serves Sluice below a path, which it cuts from requests: `location /sale/ { proxy_pass http://front/; }`.
import { createServer, request } from 'node:http';
import { expect, type TestContext, test } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { freePort } from '../helpers/free-port.ts';
import { fronts, TOKEN } from './front.ts';

const file = fronts();

/** Serves what `target()` serves below `prefix`; everything else is a 502. */
async function proxyAt(t: TestContext, port: number, prefix: string, target: () => string): Promise<void> {
  const proxy = createServer((asked, answer) => {
    if (!asked.url!.startsWith(`${prefix}/`)) return answer.writeHead(502).end();
    const { method, headers } = asked;
    const passed = request(`${target()}${asked.url!.slice(prefix.length)}`, { method, headers }, (got) => {
      answer.writeHead(got.statusCode!, got.headers);
      got.pipe(answer);
    });
    passed.on('error', () => answer.destroy());
    answer.on('close', () => passed.destroy());
    return asked.pipe(passed);
  });
  await new Promise<void>((resolve) => {
    proxy.listen(port, '127.0.0.1', resolve);
  });
  t.onTestFinished(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
}

test('behind a sub-path the location and the links of a ticket led to the root of the site', async (t) => {
  const port = await freePort();
  const publicUrl = `http://127.0.0.1:${port}/sale`;
  const front = await file.start(t, { publicUrl });
  await proxyAt(t, port, '/sale', () => front.url);
  const campaign = await front.create();
  const joined = await fetch(`${publicUrl}/v1/campaigns/${campaign}/tickets`, {
    method: 'POST',
    headers: { 'x-user-id': 'ann' },
  });
  const { ticket, links } = (await joined.json()) as { ticket: string; links: { self: string; campaign: string } };
  const self = `${publicUrl}/v1/tickets/${ticket}`;
  expect(links).toEqual({ self, campaign: `${publicUrl}/v1/campaigns/${campaign}` });
  expect(joined.headers.get('location')).toBe(self);
  expect((await fetch(links.campaign)).status).toBe(200);
  for (const headers of [{}, { prefer: 'wait=1' }, { 'x-user-id': 'ann' }]) {
    const polled = await fetch(self, { headers });
    expect([polled.status, ((await polled.json()) as { links: object }).links]).toEqual([200, links]);
  }
  const stream = await fetch(self, { headers: { accept: 'text/event-stream' } });
  const { value } = await stream.body!.pipeThrough(new TextDecoderStream()).getReader().read();
  expect(value).toContain(`"self":"${self}"`);
  const givenBack = await fetch(self, { method: 'DELETE' });
  expect([givenBack.status, ((await givenBack.json()) as { links: object }).links]).toEqual([200, links]);
});

test('the documents name the addresses under which clients reach them', async (t) => {
  const [publicUrl, adminUrl] = ['https://shop.example/sale', 'https://ops.example/sluice'];
  const front = await file.start(t, { publicUrl, adminUrl });
  expect((await front.ask('/openapi.json')).body.servers).toEqual([{ url: publicUrl }]);
  expect((await front.admin('GET', '/openapi.json')).body.servers).toEqual([{ url: adminUrl }]);
  const plain = await file.start(t);
  expect((await plain.ask('/openapi.json')).body).not.toHaveProperty('servers');
});

test('behind a sub-path the board of retries asked the root of the site for its scripts', async (t) => {
  const port = await freePort();
  const adminUrl = `http://127.0.0.1:${port}/ops/sluice`;
  const front = await file.start(t, { adminUrl });
  await proxyAt(t, port, '/ops/sluice', () => front.adminUrl);
  const headers = { authorization: `Basic ${Buffer.from(`me:${TOKEN}`).toString('base64')}` };
  const page = await fetch(`${adminUrl}/admin/queues`, { headers });
  expect(page.status).toBe(200);
  const html = await page.text();
  const base = new URL(/<base href="([^"]+)"/.exec(html)![1]!, adminUrl);
  expect(base.pathname).toBe('/ops/sluice/admin/queues/');
  const files = [...html.matchAll(/(?:src|href)="([^"]+\.(?:js|css))"/g)].map(([, path]) => new URL(path!, base));
  expect(files.length).toBeGreaterThan(0);
  for (const url of [...files, new URL('api/queues', base)]) {
    expect([url.pathname, (await fetch(url, { headers })).status]).toEqual([url.pathname, 200]);
  }
});

test('what a proxy or a client says of a prefix means nothing: PUBLIC_URL alone does', async (t) => {
  const front = await file.start(t, { trustedProxies: ['127.0.0.1'] });
  const campaign = await front.create();
  const { body } = await front.join(campaign, 'ann', {
    'x-forwarded-prefix': '/evil',
    'x-forwarded-host': 'evil.example',
  });
  expect(body.links).toEqual({ self: `/v1/tickets/${body.ticket}`, campaign: `/v1/campaigns/${campaign}` });
});

test('the settings take addresses with and without a slash at the end, and nothing that is no prefix', () => {
  const { publicUrl, adminUrl } = readConfig({
    PUBLIC_URL: 'https://shop.example/sale/',
    ADMIN_URL: 'http://[::1]:8081/',
  });
  expect([publicUrl, adminUrl]).toEqual(['https://shop.example/sale', 'http://[::1]:8081']);
  for (const wrong of [
    'shop.example',
    '/sale',
    'ftp://shop.example',
    'https://a:b@shop.example',
    'https://shop.example/?a=1',
    'https://shop.example/#a',
  ]) {
    expect(() => readConfig({ PUBLIC_URL: wrong }), wrong).toThrow(/PUBLIC_URL: takes/);
    expect(() => readConfig({ ADMIN_URL: wrong }), wrong).toThrow(/ADMIN_URL: takes/);
  }
});
