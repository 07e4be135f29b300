// Clients that are refused again and again: their connections are read slowly, those of everybody else are not.
import { connect } from 'node:net';
import { expect, type TestContext, test } from 'vitest';
import { listen } from '../../src/http/listen.ts';
import { notFound } from '../../src/http/problems.ts';
import { json } from '../../src/http/respond.ts';
import type { SlowReadingOptions } from '../../src/listener/slow-reading.ts';
import { limits } from '../../src/process/limits.ts';
import { until } from '../helpers/until.ts';

/** Longer than any test. */
const FOR_GOOD_MS = 3_600_000;
const GUESS = '/nothing';

async function place(t: TestContext, settings: Partial<SlowReadingOptions>) {
  let slowedCount = 0;
  const seen: string[] = [];
  const listener = await listen({
    host: '127.0.0.1',
    port: 0,
    fetch: (request) => {
      const { pathname } = new URL(request.url);
      seen.push(pathname);
      return pathname === GUESS ? notFound() : json(200, {});
    },
    slowReading: {
      countedBy: (address) => address,
      // A window that lasts as long as a test does.
      now: () => 0,
      onSlowed: () => {
        slowedCount += 1;
      },
      ...settings,
    },
  });
  t.onTestFinished(() => listener.close(0).then(() => undefined));

  /** A connection of a client at this address of the loopback. */
  function client(localAddress: string) {
    const socket = connect({ port: listener.port, host: '127.0.0.1', localAddress });
    t.onTestFinished(() => void socket.destroy());
    let said = '';
    socket.on('error', () => undefined).setEncoding('latin1');
    socket.on('data', (text: string) => {
      said += text;
    });
    const statuses = () => [...said.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
    const write = (...paths: string[]) =>
      void socket.write(paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`).join(''));
    const ask = async (path: string): Promise<number> => {
      const count = statuses().length + 1;
      write(path);
      await until(`${path} is answered`, () => statuses().length === count);
      return statuses().at(-1)!;
    };
    const guess = async (count: number) => {
      for (let i = 0; i < count; i += 1) expect(await ask(GUESS)).toBe(404);
    };
    return { write, ask, guess, statuses, isClosed: () => socket.closed };
  }

  return { client, slowedCount: () => slowedCount, seenCount: (path: string) => seen.filter((p) => p === path).length };
}

test('beyond the quota of its address a connection is not read; other connections and addresses are', async (t) => {
  const { client, slowedCount, seenCount } = await place(t, { slowReadMs: FOR_GOOD_MS });
  const attacker = client('127.0.0.2');
  await attacker.guess(limits.refusalsPerAddress);
  expect(await attacker.ask('/fine')).toBe(200);
  expect(slowedCount()).toBe(0);
  await attacker.guess(1);
  await until('its connection is not read', () => slowedCount() === 1);
  attacker.write('/unread');
  const [neighbour, stranger] = [client('127.0.0.2'), client('127.0.0.3')];
  for (let i = 0; i < 50; i += 1) {
    expect(await neighbour.ask('/fine')).toBe(200);
    expect(await stranger.ask(GUESS)).toBe(404);
  }
  expect(seenCount('/unread')).toBe(0);
  expect(slowedCount()).toBe(1);
});

test('what was sent meanwhile is answered when the connection is read again', async (t) => {
  const { client, slowedCount } = await place(t, { slowReadMs: 1 });
  const attacker = client('127.0.0.2');
  await attacker.guess(limits.refusalsPerAddress + 20);
  expect(await attacker.ask('/fine')).toBe(200);
  expect(slowedCount()).toBeGreaterThanOrEqual(20);
});

test('a slow address may not send ahead: what waited unread would come at once', async (t) => {
  const { client, seenCount } = await place(t, { slowReadMs: 1 });
  const [attacker, neighbour] = [client('127.0.0.2'), client('127.0.0.3')];
  attacker.write(GUESS, GUESS);
  await until('both are answered', () => attacker.statuses().length === 2);
  await attacker.guess(limits.refusalsPerAddress);
  attacker.write(GUESS, GUESS);
  await until('its connection is closed', () => attacker.isClosed());
  // From now on its connections end unread: to read what they sent costs as much as to answer.
  const next = client('127.0.0.2');
  expect(await next.ask('/fine')).toBe(200);
  expect(await next.ask(GUESS)).toBe(404);
  next.write('/unread');
  await until('it is closed', () => next.isClosed());
  expect(seenCount('/unread')).toBe(0);
  neighbour.write(GUESS, GUESS);
  await until('both are answered', () => neighbour.statuses().length === 2);
});

test('with the next window an address starts again', async (t) => {
  let now = 0;
  const { client, slowedCount } = await place(t, { slowReadMs: 1, now: () => now });
  const attacker = client('127.0.0.2');
  await attacker.guess(limits.refusalsPerAddress + 1);
  await until('its connection is not read', () => slowedCount() === 1);
  now = limits.clientWindowSeconds * 1_000;
  await attacker.guess(limits.refusalsPerAddress);
  expect(await attacker.ask('/fine')).toBe(200);
  expect(slowedCount()).toBe(1);
});

test('an address of a crowd is never read slowly', async (t) => {
  const { client, slowedCount } = await place(t, { slowReadMs: FOR_GOOD_MS, countedBy: () => undefined });
  const proxy = client('127.0.0.2');
  await proxy.guess(3 * limits.refusalsPerAddress);
  expect(await proxy.ask('/fine')).toBe(200);
  expect(slowedCount()).toBe(0);
});
