// A page of another origin in a real browser: what it may ask of the public port, and that no other page may.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { delimiter } from 'node:path';
import { json } from 'node:stream/consumers';
import { expect, type TestContext, test } from 'vitest';
import { findProgram } from '../../src/local/binaries.mjs';
import { temporaryFolder } from '../helpers/services.ts';
import { until } from '../helpers/until.ts';
import { fronts } from './front.ts';

const chromium = findProgram(
  ['chromium', 'chromium-browser', 'google-chrome'],
  (process.env.PATH ?? '').split(delimiter),
);
if (chromium === undefined) {
  console.warn(
    'No Chromium is on PATH: pages of other origins are NOT tried in a browser. Install it: apt-get install chromium',
  );
}
const file = fronts();
const WITHIN_MS = 60_000;

/** Told by the page, one after the other; what a browser does not let it see is an error. */
interface Told {
  join: string;
  location: string;
  poll: string;
  events: string[];
  giveBack: string;
}

const page = (url: string, campaign: string) => `<!doctype html><script type="module">
  const url = ${JSON.stringify(url)};
  const told = {};
  const attempt = async (name, work) => {
    told[name] = await work().catch((error) => error.name);
  };
  let ticket = 'none';
  const headers = { 'x-user-id': 'ann', authorization: 'Bearer of-nothing', prefer: 'wait=1', traceparent: '00-${'1'.repeat(32)}-${'2'.repeat(16)}-01' };
  await attempt('join', async () => {
    const answer = await fetch(url + '/v1/campaigns/${campaign}/tickets', { method: 'POST', headers });
    ticket = (await answer.json()).ticket;
    told.location = String(answer.headers.get('location'));
    return String(answer.status);
  });
  await attempt('poll', async () => {
    const answer = await fetch(url + '/v1/tickets/' + ticket, { headers });
    return answer.status + ' ' + answer.headers.get('preference-applied');
  });
  const events = [];
  const source = new EventSource(url + '/v1/tickets/' + ticket);
  const first = new Promise((resolve) => {
    source.onerror = () => resolve(events.push('error'));
    source.addEventListener('ticket', ({ data }) => resolve(events.push(JSON.parse(data).status)));
  });
  await first;
  // Before the DELETE: its event may come before its answer.
  const next = new Promise((resolve) => source.addEventListener('ticket', resolve, { once: true }));
  await attempt('giveBack', async () => {
    const answer = await fetch(url + '/v1/tickets/' + ticket, { method: 'DELETE', headers });
    return answer.status + ' ' + (await answer.json()).status;
  });
  if (events[0] !== 'error') await next;
  source.close();
  await fetch('/told', { method: 'POST', body: JSON.stringify({ ...told, events }) });
</script>`;

/** Serves the page from an origin of its own; `open` shows it to a browser and gives what it tells. */
async function shop(t: TestContext) {
  let html = '';
  let told: Told | undefined;
  const server = createServer((request, response) => {
    if (request.url === '/told') {
      void json(request).then((body) => {
        told = body as Told;
      });
    }
    response.setHeader('content-type', 'text/html').end(request.url === '/' ? html : '');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    origin,
    async open(text: string): Promise<Told> {
      html = text;
      told = undefined;
      const quiet = [
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ];
      const options = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', ...quiet];
      const browser = spawn(
        chromium!,
        [...options, `--user-data-dir=${await temporaryFolder(t)}`, '--remote-debugging-port=0', origin],
        { stdio: 'ignore' },
      );
      const ended = once(browser, 'exit');
      try {
        return await until('the page has told what it met', WITHIN_MS, () => told);
      } finally {
        browser.kill('SIGTERM');
        await ended;
      }
    },
  };
}

test.skipIf(chromium === undefined)(
  'a page of a listed origin joins, polls, follows and gives back; another sees nothing',
  {
    timeout: 3 * WITHIN_MS,
  },
  async (t) => {
    const [listed, other] = [await shop(t), await shop(t)];
    const front = await file.start(t, { corsOrigins: [listed.origin] });
    const campaign = await front.create({ stock: 10 });
    const met = await listed.open(page(front.url, campaign));
    expect(met).toEqual({
      join: '202',
      location: expect.stringMatching(/^\/v1\/tickets\//),
      poll: '200 wait=1',
      events: ['queued', 'cancelled'],
      giveBack: '200 cancelled',
    });
    const refused = await other.open(page(front.url, campaign));
    expect(refused).toEqual({ join: 'TypeError', poll: 'TypeError', events: ['error'], giveBack: 'TypeError' });
  },
);
