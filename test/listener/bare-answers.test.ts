import { beforeAll, expect, test } from 'vitest';
import { openServer } from '../../src/listener/open-server.ts';
import { limits } from '../../src/process/limits.ts';
import { startTelemetry } from '../../src/telemetry/start.ts';
import { freePort } from '../helpers/free-port.ts';
import { fronts } from '../http/front.ts';
import { bytesOf, open, type RawAnswer, send } from '../http/raw.ts';

const LISTENERS = ['public', 'admin', 'telemetry'] as const;
const ports = { public: 0, admin: 0, telemetry: 0 };
const front = fronts().shared();

beforeAll(async () => {
  ports.public = Number(new URL(front().url).port);
  ports.admin = Number(new URL(front().adminUrl).port);
  ports.telemetry = await freePort();
  const where = { host: '127.0.0.1', port: ports.telemetry };
  const telemetry = await startTelemetry({
    on: true,
    service: 'test',
    ...where,
    readiness: () => ({ reasons: [], warnings: [] }),
  });
  return () => telemetry[Symbol.asyncDispose]();
});

function expectProblem({ headers, body }: RawAnswer, status: number): void {
  expect(headers).toMatchObject({
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  });
  expect(JSON.parse(body)).toMatchObject({ type: expect.any(String), title: expect.any(String), status });
}

const text = (lines: string) => Buffer.from(lines.replaceAll('\n', '\r\n'), 'latin1');

test.for(LISTENERS)(
  'a health check in HTTP/1.0 without Host was a 400, which HAProxy took for a failure (%s)',
  async (to) => {
    const health = { public: '/readyz', admin: '/livez', telemetry: '/readyz' }[to];
    for (const head of [`GET ${health} HTTP/1.0\n\n`, `GET ${health} HTTP/1.0\nHost: front:8080\n\n`]) {
      expect((await send(ports[to], text(head))).status).toBe(200);
    }
  },
);

const REFUSED: [string, number, Buffer][] = [
  ['OPTIONS *', 400, bytesOf({ method: 'OPTIONS', path: '*' })],
  ['HTTP/1.1 without Host', 400, text('GET /livez HTTP/1.1\nConnection: close\n\n')],
  ['an empty Host', 400, bytesOf({ path: '/livez', headers: [['Host', '']] })],
  ['a Host that no URL can have', 400, bytesOf({ path: '/livez', headers: [['Host', '1..2']] })],
  ['a target without a slash', 400, bytesOf({ path: 'livez' })],
  ['an absolute target that is no URL', 400, bytesOf({ path: 'http://[::1/livez' })],
  ['what is no request', 400, text('nonsense\n\n')],
  ['an unknown Expect', 417, bytesOf({ path: '/livez', headers: [['Expect', '200-ok']] })],
  ['headers of 20 kB', 431, bytesOf({ path: '/livez', headers: [['x-big', 'a'.repeat(20_000)]] })],
];
const onAll = REFUSED.flatMap((row) => LISTENERS.map((to) => [to, ...row] as const));
// A server that does not look at its targets may answer 404 to those that no route has.
const routesItself = new Set(['OPTIONS *', 'an absolute target that is no URL']);

test.for(onAll)(
  'on the %s listener %s is answered with a problem, not with a bare status',
  async ([to, what, status, bytes]) => {
    const answer = await send(ports[to], bytes);
    const expected = to === 'telemetry' && routesItself.has(what) ? 404 : status;
    expect(answer.status).toBe(expected);
    expectProblem(answer, expected);
  },
);

test.for(LISTENERS)('an absolute target is served as its path is (%s)', async (to) => {
  const path = `http://sale.example${to === 'telemetry' ? '/readyz' : '/livez'}`;
  expect((await send(ports[to], bytesOf({ path, headers: [['Host', 'sale.example']] }))).status).toBe(200);
});

test.for(LISTENERS)(
  'a request that never arrives whole is a 408 with a problem (%s)',
  { timeout: 60_000 },
  async (to) => {
    const answer = await send(ports[to], text('GET /livez HTTP/1.1\nHost: x\nX-Sl'), 30_000);
    expect(answer.status).toBe(408);
    expectProblem(answer, 408);
  },
);

test.for(LISTENERS)('a path that nobody serves is a 404 with a problem (%s)', async (to) => {
  const answer = await send(ports[to], bytesOf({ path: '/nowhere' }));
  expect(answer.status).toBe(404);
  expectProblem(answer, 404);
});

test('a balancer that reuses a connection after a pause met a closed one: ours ended after six seconds', async () => {
  const socket = open(ports.public);
  let heard = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => (heard += chunk));
  const request = 'GET /livez HTTP/1.1\r\nHost: x\r\n\r\n';
  socket.write(request);
  await expect.poll(() => heard.match(/HTTP\/1\.1 200/g)?.length, { timeout: 60_000 }).toBe(1);
  expect(heard).toMatch(/keep-alive: timeout=65/i);
  // Longer than a request may take to arrive, too: that limit begins with its first byte.
  await new Promise((resolve) => setTimeout(resolve, Math.max(limits.headersMs, limits.requestMs) + 2_500));
  socket.write(request);
  await expect.poll(() => heard.match(/HTTP\/1\.1 200/g)?.length, { timeout: 60_000 }).toBe(2);
  socket.destroy();
}, 180_000);

test('an idle connection ends when newcomers need its place', async (t) => {
  const options = { host: '127.0.0.1', port: 0, connectionsMax: 10 };
  const server = await openServer((_request, response) => response.end('here'), options);
  t.onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as { port: number };
  const sockets = Array.from({ length: 8 }, () => open(port));
  t.onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
  });
  let answered = 0;
  let ended = 0;
  for (const socket of sockets) {
    socket.once('data', () => (answered += 1)).once('end', () => (ended += 1));
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  }
  await expect.poll(() => answered, { timeout: 60_000 }).toBe(8);
  expect(ended).toBe(0);
  for (let late = 0; late < 8; late += 1) sockets.push(open(port));
  await expect.poll(() => ended, { timeout: 60_000 }).toBe(8);
});
