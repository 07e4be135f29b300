import { connect, type Socket } from 'node:net';
import { describe, expect, type TestContext, test, vi } from 'vitest';
import { pause } from '../../src/process/lifecycle.ts';
import { limits } from '../../src/process/limits.ts';
import { runningFront } from '../cli/running-front.ts';
import { until } from '../helpers/until.ts';
import { type Client, clientOf } from '../http/client.ts';
import { bytesOf, send } from '../http/raw.ts';
import { watch } from '../http/watch.ts';
import { keptConnection } from './kept-connection.ts';
import { BOUND, HAPROXY, NGINX, proxyPorts, runningProxies } from './proxies.ts';

/** Longer than what both proxies wait for a word by default, 50 and 60 s. */
const STREAM_MS = 70_000;
const KEPT_MS = 65_000;
const WITHIN_MS = 120_000;
const ABORTED_COUNT = 60;
/** Clients of other tests that wait meanwhile, at most. */
const OTHERS_MAX = 8;

// All side by side: most of them wait most of the time.
vi.setConfig({ maxConcurrency: 20 });

describe.skipIf(HAPROXY === undefined && NGINX === undefined)('behind a proxy as Debian sets it up', async () => {
  const ports = await proxyPorts();
  const publicUrl = `http://127.0.0.1:${ports.nginx}/sale`;
  const front = runningFront({ environment: { PUBLIC_URL: publicUrl }, isAlone: true });
  const proxies = runningProxies(front, ports);

  const clientAt = (port: number): Client =>
    clientOf({
      url: `http://127.0.0.1:${port}`,
      adminUrl: front.adminUrl,
      token: front.adminToken,
      identity: { kind: 'header' },
    });
  const waitingTicket = async (client: Client) => (await client.admit(await client.create(), 1, 1))[0]!;

  type Body = (port: number, t: TestContext) => Promise<void>;

  /** A test of a proxy, if it is here, side by side with all others of this file. */
  function behind(title: string, program: string | undefined, port: number, body: Body): void {
    const options = { concurrent: true, skip: program === undefined, timeout: 2 * WITHIN_MS };
    test(title, options, (t) => body(port, t));
  }

  function through(title: string, body: Body): void {
    behind(`HAProxy: ${title}`, HAPROXY, ports.haproxy, body);
    behind(`nginx: ${title}`, NGINX, ports.nginx, body);
  }

  through(
    'a stream of a ticket that waits 70 s is not cut, and tells its first and its last word at once',
    async (port) => {
      const client = clientAt(port);
      const ticket = await waitingTicket(client);
      const { response, events, commentCount, ended } = await watch(`http://127.0.0.1:${port}/v1/tickets/${ticket}`);
      expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
      await until('the first event, which no buffer keeps', STREAM_MS / 2, () => events.length === 1);
      expect(await Promise.race([ended.then(() => 'ended'), pause(STREAM_MS).then(() => 'open')])).toBe('open');
      expect(commentCount()).toBeGreaterThanOrEqual(4);
      expect((await client.giveBack(ticket)).status).toBe(200);
      await ended;
      expect(events.map(({ data }) => data.status)).toEqual(['queued', 'cancelled']);
    },
  );

  through('the longest long-poll is answered', async (port) => {
    const client = clientAt(port);
    const { status, body, headers } = await client.poll(await waitingTicket(client), { prefer: 'wait=60' });
    expect([status, body.status, headers.get('preference-applied')]).toEqual([200, 'queued', 'wait=30']);
  });

  through('HTTP/1.0 and HTTP/1.1: join, poll, stream', async (port) => {
    const client = clientAt(port);
    const campaign = await client.create();
    for (const version of ['HTTP/1.0', 'HTTP/1.1']) {
      const ask = (method: string, path: string, headers: [string, string][] = []) =>
        send(port, bytesOf({ method, path, version, headers }), WITHIN_MS);
      const user: [string, string] = ['X-User-Id', `ann-${version}`];
      const joined = await ask('POST', `/v1/campaigns/${campaign}/tickets`, [user, ['Content-Length', '0']]);
      expect([version, joined.status]).toEqual([version, 202]);
      const path = `/v1/tickets/${(JSON.parse(joined.body) as { ticket: string }).ticket}`;
      expect([version, (await ask('GET', path)).status]).toEqual([version, 200]);
      expect([version, (await ask('HEAD', path, [['Accept', 'text/event-stream']])).status]).toEqual([version, 200]);
      expect([version, (await ask('DELETE', path)).status]).toEqual([version, 200]);
      const streamed = await ask('GET', path, [['Accept', 'text/event-stream, */*;q=0.5']]);
      expect([version, streamed.status, streamed.body]).toEqual([version, 200, expect.stringMatching(/"cancelled"/)]);
    }
  });

  through('headers of 8 kB are taken, larger ones refused as the fault of their client', async (port) => {
    const client = clientAt(port);
    const path = `/v1/tickets/${await waitingTicket(client)}`;
    const statusOf = async (lineBytes: number[]) => {
      const headers = lineBytes.map((bytes, n) => [`x-${n}`, 'a'.repeat(bytes)] as const);
      return (await send(port, bytesOf({ path, headers }), WITHIN_MS)).status;
    };
    expect(await statusOf([8_000])).toBe(200);
    // A proxy's own limits come first: HAProxy has room for 15 kB, nginx for 8 kB a line.
    for (const lines of [[7_900, 7_900], [8_100, 8_100], [8_000, 8_000, 8_000], [9_000], [16_000], [60_000]]) {
      expect([200, 400, 431], lines.join(' + ')).toContain(await statusOf(lines));
    }
    expect(await statusOf([])).toBe(200);
  });

  async function flooded(port: number): Promise<void> {
    const statuses: number[] = [];
    for (let n = 0; n < 3 * BOUND; n += 1) {
      const answer = await fetch(`http://127.0.0.1:${port}/v1/tickets/made-up-${n}`);
      await answer.arrayBuffer();
      statuses.push(answer.status);
    }
    // The front's own answers first; what comes beyond the bound does not reach it.
    expect(statuses.slice(0, BOUND)).toEqual(Array.from({ length: BOUND }, () => 404));
    expect(statuses.filter((status) => status === 429).length).toBeGreaterThan(BOUND);
  }
  behind('HAProxy: an address that asks too often is refused before the front', HAPROXY, ports.haproxyBounded, flooded);
  behind('nginx: an address that asks too often is refused before the front', NGINX, ports.nginxBounded, flooded);

  const options = { concurrent: true, timeout: 2 * WITHIN_MS };
  test('clients that leave in the middle take their waits and streams with them', options, async () => {
    const here = [HAPROXY && ports.haproxy, NGINX && ports.nginx].filter((port) => typeof port === 'number');
    const sockets = (await Promise.all(here.map(waitingClients))).flat();
    await until('they wait', WITHIN_MS, async () => (await clientsWaiting()) >= here.length * ABORTED_COUNT);
    for (const [n, socket] of sockets.entries()) {
      if (n % 3 === 0) socket.destroy();
      else socket.resetAndDestroy();
    }
    // HAProxy does not say that the client of a long-poll has left: that one ends when its time is over.
    await until('nobody waits for them', WITHIN_MS, async () => (await clientsWaiting()) <= OTHERS_MAX);
    for (const port of here) expect((await clientAt(port).ask('/livez')).status).toBe(200);
  });

  /** Clients in long-polls and streams, and some in the middle of their request. */
  async function waitingClients(port: number): Promise<Socket[]> {
    // A ticket may be asked for so and so often a second, and wait so and so often at a time.
    const count = Math.ceil((ABORTED_COUNT + 10) / limits.waitsPerTicketMax);
    const tickets = await Promise.all(Array.from({ length: count }, () => waitingTicket(clientAt(port))));
    const ways: [string, string][] = [
      ['Prefer', 'wait=30'],
      ['Accept', 'text/event-stream'],
    ];
    return Array.from({ length: ABORTED_COUNT + 10 }, (_, n) => {
      const bytes = bytesOf({ path: `/v1/tickets/${tickets[n % tickets.length]}`, headers: [ways[n % 2]!] });
      const socket = connect(port, '127.0.0.1').on('error', () => undefined);
      socket.write(n < ABORTED_COUNT ? bytes : bytes.subarray(0, 30));
      return socket;
    });
  }

  async function clientsWaiting(): Promise<number> {
    const text = await (await fetch(front.metricsUrls[0]!)).text();
    const kinds = [...text.matchAll(/^sluice_clients_waiting\{kind="(?:long-poll|stream)"[^}]*\} (\d+)/gm)];
    expect(kinds).toHaveLength(2);
    return kinds.reduce((sum, [, count]) => sum + Number(count), 0);
  }

  /** Asks again and again over one connection, `gapMs` after each answer, for `KEPT_MS`; every status. */
  async function askAgain(t: TestContext, port: number, gapMs: number): Promise<number[]> {
    const { ask, close } = keptConnection(port);
    t.onTestFinished(close);
    const statuses = [await ask('/livez')];
    for (let passedMs = gapMs; passedMs <= KEPT_MS; passedMs += gapMs) {
      await pause(gapMs);
      statuses.push(await ask('/livez'));
    }
    return statuses;
  }

  // Around 5 s, after which many servers close an idle connection, and around the 50, 60 and 65 s of the proxies and the front.
  const AROUND_5_S = Array.from({ length: 24 }, (_, n) => 4_900 + 50 * n);
  const keptCases: [string, string | undefined, number, number[]][] = [
    ['HAProxy', HAPROXY, ports.haproxy, [...AROUND_5_S, 46_000]],
    ['nginx', NGINX, ports.nginx, [...AROUND_5_S, 59_500, 64_500]],
    ['nginx that keeps connections to the front', NGINX, ports.kept, [...AROUND_5_S, 59_500, 60_000, 60_500, 64_500]],
  ];
  for (const [name, program, port, gaps] of keptCases) {
    const title = `${name}: a connection that is used again at the edge of a timeout is answered`;
    behind(title, program, port, async (_, t) => {
      const statuses = await Promise.all(gaps.map((gapMs) => askAgain(t, port, gapMs)));
      expect(new Set(statuses.flat())).toEqual(new Set([200]));
    });
  }

  const PLAIN_CHECK = 'HAProxy: its plain health check, which is HTTP/1.0 without a Host, finds a front that is ready';
  behind(PLAIN_CHECK, HAPROXY, ports.checked, checked);
  async function checked(port: number): Promise<void> {
    const pattern = /Health check for server checked\/front (succeeded|failed)[^\n]*/;
    const [line, result] = await until('a check', WITHIN_MS, () => pattern.exec(proxies.haproxy.log()));
    expect([result, line]).toEqual(['succeeded', expect.anything()]);
    expect((await clientAt(port).ask('/livez')).status).toBe(200);
  }

  behind('nginx: below a path, what a join names leads to the ticket', NGINX, ports.nginx, belowPath);
  async function belowPath(port: number): Promise<void> {
    const url = `${publicUrl}/v1/campaigns/${await clientAt(port).create()}/tickets`;
    const joined = await fetch(url, { method: 'POST', headers: { 'x-user-id': 'ann' } });
    expect(joined.status).toBe(202);
    const { links } = (await joined.json()) as { links: { self: string; campaign: string } };
    const named = [joined.headers.get('location')!, links.self, links.campaign].map((to) => new URL(to, url));
    expect(named.map(({ pathname }) => pathname.split('/')[1])).toEqual(['sale', 'sale', 'sale']);
    for (const to of named) expect([to.href, (await fetch(to)).status]).toEqual([to.href, 200]);
  }

  test('nothing of all that was a 502 or a cut answer in the eyes of the proxies, or an error of the front', () => {
    const { haproxy, nginx } = proxies;
    // A termination state that begins with S is the doing of the server, with s that of its time, which ran out.
    expect(haproxy.log().match(/^.* (?:50[0234] \d+|[Ss][A-Z]--) .*$/gm)).toBeNull();
    expect(nginx.log().match(/^.*\bupstream\b.*$/gm)).toBeNull();
    expect(front.output()).not.toContain('"level":50');
  });
});
