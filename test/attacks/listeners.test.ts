// Connections that say nothing, paths that climb, and two names for one host, on every listener alike.
import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { expect, type TestContext, test } from 'vitest';
import { publicConnectionsMax } from '../../src/doctor/open-files.ts';
import { openServer } from '../../src/listener/open-server.ts';
import { limits } from '../../src/process/limits.ts';
import { startTelemetry } from '../../src/telemetry/start.ts';
import { until } from '../helpers/until.ts';
import { fronts } from '../http/front.ts';
import { bytesOf, open, send } from '../http/raw.ts';

const front = fronts().shared();
const portsOf = () => [front().url, front().adminUrl].map((url) => Number(new URL(url).port));

test.for([
  '/v1/../livez',
  '/v1/%2e%2e/livez',
  '/v1/.%2E/livez',
  '/./livez',
  '/%2e/livez',
  '/livez/..',
  '/livez/%2e?x=1',
  '/v1\\..\\livez',
])('a path with a dot segment, %s, was resolved on one port and refused on the other', async (path) => {
  for (const port of portsOf()) expect((await send(port, bytesOf({ path }))).status).toBe(400);
});

test('dots that are no segment, and any in a query, are none of it', async () => {
  for (const port of portsOf()) {
    expect((await send(port, bytesOf({ path: '/livez?next=/../x' }))).status).toBe(200);
    expect((await send(port, bytesOf({ path: '/.well-known/x' }))).status).not.toBe(400);
  }
});

test('a request with two Host headers was taken, by the name of the first', async () => {
  const host = (name: string, value: string) => [name, value] as const;
  for (const port of portsOf()) {
    const headers = [host('Host', 'localhost'), host('hOST', 'evil.example')];
    expect((await send(port, bytesOf({ path: '/livez', headers }))).status).toBe(400);
  }
});

/** Connections that say nothing, and how many of them are still open. */
function silent(t: TestContext, port: number, count: number): () => number {
  const open = new Set<Socket>();
  for (let i = 0; i < count; i += 1) {
    const socket = connect({ port, host: '127.0.0.1' });
    open.add(socket);
    socket.on('error', () => undefined).on('close', () => open.delete(socket));
    t.onTestFinished(() => void socket.destroy());
  }
  return () => open.size;
}

test('a connection on which nobody ever said anything stayed for good', async (t) => {
  const server = await openServer((_request, response) => response.end(), {
    host: '127.0.0.1',
    port: 0,
    silentMs: 200,
  });
  t.onTestFinished(() => void server.close());
  const openCount = silent(t, (server.address() as { port: number }).port, 20);
  await until('all of them have ended', 60_000, () => openCount() === 0);
});

test('silent connections to the telemetry port took the descriptors of the whole process', async (t) => {
  const telemetry = await startTelemetry({
    on: true,
    service: 'test',
    host: '127.0.0.1',
    port: 0,
  });
  t.onTestFinished(() => telemetry[Symbol.asyncDispose]());
  const openCount = silent(t, Number(new URL(telemetry.url!).port), limits.telemetryConnectionsMax + 100);
  await until('those beyond its bound are closed', 60_000, () => openCount() <= limits.telemetryConnectionsMax);
});

test.for([
  [{ told: Number.POSITIVE_INFINITY }, limits.connectionsMax],
  [{ told: 1_024 }, 1_024 - limits.openFilesReserve - 328],
  [{ told: 20 }, limits.connectionsMin],
  [{ untold: 'no limit' }, limits.connectionsMax],
] as const)('of %o open files, buyers get %i', ([openFiles, expected]) => {
  expect(publicConnectionsMax(openFiles)).toBe(expected);
});

/** A server that answers nothing before it is told to, and how many requests it has seen. */
async function holdingServer(t: TestContext) {
  const held: (() => void)[] = [];
  const server = await openServer((request, response) => held.push(() => response.end(request.url)), {
    host: '127.0.0.1',
    port: 0,
  });
  t.onTestFinished(() => new Promise<void>((resolve) => void server.close(() => resolve())));
  const { port } = server.address() as AddressInfo;
  const answerAll = () => {
    for (const answer of held.splice(0)) answer();
  };
  return { port, seenCount: () => held.length, answerAll };
}

const requests = (count: number): string =>
  Array.from({ length: count }, (_, n) => `GET /${n} HTTP/1.1\r\nHost: x\r\n\r\n`).join('');

test('any number of requests waited in memory behind one that was not answered; now the connection is closed', async (t) => {
  const { port, seenCount } = await holdingServer(t);
  const socket = open(port);
  const closed = once(socket, 'close');
  socket.write(requests(limits.requestsInLineMax + 100));
  await closed;
  expect(seenCount()).toBe(1 + limits.requestsInLineMax);
});

test('a client that sends requests ahead of their answers gets them in order, again and again', async (t) => {
  const { port, seenCount, answerAll } = await holdingServer(t);
  const socket = open(port);
  t.onTestFinished(() => void socket.destroy());
  let text = '';
  socket.setEncoding('latin1').on('data', (part: string) => {
    text += part;
  });
  const count = 1 + limits.requestsInLineMax;
  for (let round = 1; round <= 3; round += 1) {
    socket.write(requests(count));
    await until('all are seen', 60_000, () => seenCount() === count);
    answerAll();
    await until('all are answered', 60_000, () => text.match(/HTTP\/1\.1 200/g)?.length === round * count);
  }
  expect(text.match(/(?<=\r\n\r\n)\/\d+/g)?.map((path) => Number(path.slice(1)) % count)).toEqual(
    Array.from({ length: 3 * count }, (_, n) => n % count),
  );
});
