import type { Socket } from 'node:net';
import { expect, type TestContext, test } from 'vitest';
import { limits } from '../../src/process/limits.ts';
import { until } from '../helpers/until.ts';
import { fronts, TOKEN } from './front.ts';
import { open } from './raw.ts';

const file = fronts();

/** A client that sends a byte of `text` now and then; `closedAfterMs` once the server had enough of it. */
function drip(t: TestContext, port: number, text: string) {
  const socket: Socket = open(port);
  const client: { closedAfterMs?: number } = {};
  const startedAt = performance.now();
  let at = 0;
  const dripping = setInterval(() => socket.write(text[at++ % text.length]!), 400);
  socket.on('data', () => undefined);
  socket.on('close', () => {
    clearInterval(dripping);
    client.closedAfterMs = performance.now() - startedAt;
  });
  t.onTestFinished(() => {
    clearInterval(dripping);
    socket.destroy();
  });
  return client;
}

test('500 clients that drip headers and bodies are cut, and nobody else notices', async (t) => {
  const front = await file.start(t);
  const campaign = await front.create({ stock: 100_000 });
  const port = Number(new URL(front.url).port);
  const adminPort = Number(new URL(front.adminUrl).port);
  const line = `POST /v1/campaigns/${campaign}/tickets HTTP/1.1\r\nHost: x\r\nX-User-Id: slow\r\n`;
  const drips = Array.from({ length: 500 }, () => drip(t, port, `${line}X-Slow: ${'a'.repeat(1_000)}`));
  const body = open(adminPort);
  body.write(
    `POST /admin/campaigns HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\nContent-Type: application/json\r\nContent-Length: 4000\r\n\r\n`,
  );
  const bodyDripping = setInterval(() => body.write(' '), 400);
  body.on('data', () => undefined);
  t.onTestFinished(() => {
    clearInterval(bodyDripping);
    body.destroy();
  });

  let user = 0;
  await until('all that drip headers are cut', async () => {
    expect((await front.join(campaign, `quick-${user++}`)).status).toBe(202);
    return drips.every(({ closedAfterMs }) => closedAfterMs !== undefined);
  });
  for (const { closedAfterMs } of drips) expect(closedAfterMs).toBeGreaterThan(limits.headersMs - 500);
  await until('the one that drips a body is cut', () => body.closed);
  expect((await front.join(campaign, 'slow')).status).toBe(202);
});
