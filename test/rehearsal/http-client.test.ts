import { expect, test } from 'vitest';
import { createHttpClient, parseRetryAfter } from '../../src/rehearsal/http-client.ts';
import { reply, startServer } from './answering-server.ts';

const client = (baseUrl: string, options: { socketsMax?: number; timeoutMs?: number } = {}) =>
  createHttpClient({ baseUrl, socketsMax: 4, timeoutMs: 1_000, ...options });

test('an answer comes with its status, its body and its Retry-After in ms', async (t) => {
  const { url, seen } = await startServer(t, (_, response) => reply(response, 429, { a: 1 }, { 'retry-after': '3' }));
  const http = client(`${url}/base/`);
  t.onTestFinished(() => http.close());
  const result = await http.request({ method: 'POST', path: '/x', headers: { 'x-user-id': 'u' } });
  expect(result).toEqual({ kind: 'answer', status: 429, retryAfterMs: 3_000, body: { a: 1 } });
  expect(seen[0]).toMatchObject({ method: 'POST', path: '/base/x', user: 'u' });
});

test('Retry-After is read as seconds or as a date, and otherwise left out', () => {
  const now = Date.parse('2026-11-21T10:00:00Z');
  expect(parseRetryAfter('2', now)).toBe(2_000);
  expect(parseRetryAfter('Sat, 21 Nov 2026 10:00:05 GMT', now)).toBe(5_000);
  expect(parseRetryAfter('Sat, 21 Nov 2026 09:00:00 GMT', now)).toBe(0);
  expect(parseRetryAfter('soon', now)).toBeUndefined();
  expect(parseRetryAfter(undefined, now)).toBeUndefined();
});

test('silence, a dropped socket, half a body and nobody there are all unknown, never an exception', async (t) => {
  const { url } = await startServer(t, ({ path }, response, request) => {
    if (path === '/drop') request.socket.destroy();
    if (path !== '/half') return;
    response.writeHead(200, { 'content-length': '100' });
    response.write('{"half":', () => request.socket.destroy());
  });
  const http = client(url, { timeoutMs: 100 });
  t.onTestFinished(() => http.close());
  const ask = (path: string) => http.request({ method: 'GET', path });
  expect(await ask('/silent')).toEqual({ kind: 'unknown', reason: 'no answer in 100 ms' });
  expect(await ask('/drop')).toMatchObject({ kind: 'unknown' });
  expect(await ask('/half')).toMatchObject({ kind: 'unknown' });
  const nobody = client('http://127.0.0.1:1');
  t.onTestFinished(() => nobody.close());
  expect(await nobody.request({ method: 'GET', path: '/' })).toMatchObject({
    reason: expect.stringMatching(/ECONNREFUSED/),
  });
});

test('a body that is not JSON is no body', async (t) => {
  const { url } = await startServer(t, (_, response) => response.end('<html>'));
  const http = client(url);
  t.onTestFinished(() => http.close());
  expect(await http.request({ method: 'GET', path: '/' })).toMatchObject({ status: 200, body: undefined });
});

test('200 requests share 4 kept sockets, and each waits its turn without its patience running', async (t) => {
  const server = await startServer(t, (_, response) => setTimeout(() => reply(response, 200), 5));
  const http = client(server.url, { timeoutMs: 200 });
  t.onTestFinished(() => http.close());
  const results = await Promise.all(Array.from({ length: 200 }, () => http.request({ method: 'GET', path: '/' })));
  expect(results.filter(({ kind }) => kind === 'answer')).toHaveLength(200);
  expect(server.socketCount).toBe(4);
});

test('closing ends what is under way and what waits its turn', async (t) => {
  const { url, seen } = await startServer(t, () => undefined);
  const http = client(url, { socketsMax: 1, timeoutMs: 60_000 });
  const asked = [http.request({ method: 'GET', path: '/' }), http.request({ method: 'GET', path: '/' })];
  await expect.poll(() => seen.length).toBe(1);
  http.close();
  for (const result of await Promise.all(asked)) expect(result.kind).toBe('unknown');
  expect(await http.request({ method: 'GET', path: '/' })).toMatchObject({ kind: 'unknown' });
});
