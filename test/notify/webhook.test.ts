// The webhook of notices, against a real HTTP server that takes them, refuses them, or says nothing.
import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, type TestContext, test } from 'vitest';
import type { Notice } from '../../src/domain/notice.ts';
import { createNotifier, signed } from '../../src/notify/webhook.ts';
import { limits } from '../../src/process/limits.ts';
import { until } from '../helpers/until.ts';

interface Received {
  headers: IncomingHttpHeaders;
  body: string;
}

/** `statusOf` the how-manieth request; undefined to leave it unanswered. */
async function startReceiver(t: TestContext, statusOf: (request: number) => number | undefined = () => 200) {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => {
      received.push({ headers: request.headers, body });
      const status = statusOf(received.length);
      if (status !== undefined) response.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook/of-a-secret-path`, received };
}

function openNotifier(t: TestContext, url: string, secret?: Buffer) {
  const lines: string[] = [];
  const note = (fields: object, text: string) => void lines.push(`${JSON.stringify(fields)} ${text}`);
  const notifier = createNotifier({ url, secret, log: { warn: note } as never, retryMs: 1 });
  t.onTestFinished(() => notifier[Symbol.asyncDispose]());
  return { notifier, lines };
}

const notice = (count: number): Notice => ({ kind: 'dead-letters', text: `${count} dead letters`, data: { count } });

test('a notice is JSON whose text a chat shows, with its type and data for programs', async (t) => {
  const { url, received } = await startReceiver(t);
  const { notifier } = openNotifier(t, url);
  notifier.tell(notice(7));
  await until('the request', () => received.length === 1);
  const { headers, body } = received[0]!;
  expect(headers['content-type']).toBe('application/json');
  expect(headers).not.toHaveProperty('webhook-signature');
  expect(JSON.parse(body)).toEqual({
    text: '7 dead letters',
    type: 'sluice.dead-letters',
    timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    data: { count: 7 },
  });
});

test('with a secret it is signed, and keeps its id when it is sent again', async (t) => {
  const { url, received } = await startReceiver(t, (request) => (request < 3 ? 500 : 204));
  const secret = Buffer.alloc(32, 7);
  const { notifier, lines } = openNotifier(t, url, secret);
  notifier.tell(notice(1));
  await until('three requests', () => received.length === 3);
  for (const { headers, body } of received) {
    const [id, timestamp] = [String(headers['webhook-id']), String(headers['webhook-timestamp'])];
    const mac = createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest('base64');
    expect(headers['webhook-signature']).toBe(`v1,${mac}`);
  }
  expect(new Set(received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  expect(lines).toEqual([]);
});

test('the signature is that of the example of Standard Webhooks', () => {
  const secret = Buffer.from('MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'base64');
  const sent = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', timestamp: 1_614_265_330, body: '{"test": 2432232314}' };
  expect(signed(secret, sent)['webhook-signature']).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
});

test('what the receiver does not take is logged after a few attempts, without the address', async (t) => {
  const { url, received } = await startReceiver(t, () => 500);
  const { notifier, lines } = openNotifier(t, url);
  notifier.tell(notice(1));
  notifier.tell(notice(2));
  await until('two lines', () => lines.length === 2);
  expect(received).toHaveLength(2 * limits.noticeAttemptsMax);
  expect(lines[0]).toContain('status 500');
  expect(lines.join()).not.toContain('of-a-secret-path');
});

test('a receiver that does not answer holds up nothing but the line, which is bounded', async (t) => {
  const { url, received } = await startReceiver(t, () => undefined);
  const { notifier, lines } = openNotifier(t, url);
  for (let i = 0; i < limits.noticesWaitingMax + 11; i += 1) notifier.tell(notice(i));
  await until('the first request', () => received.length === 1);
  expect(lines.filter((line) => line.includes('dropped a notice'))).toHaveLength(10);
});
