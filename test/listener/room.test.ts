import { connect, type Socket } from 'node:net';
import { expect, type TestContext, test } from 'vitest';
import { openServer } from '../../src/listener/open-server.ts';
import { until } from '../helpers/until.ts';

const WITHIN_MS = 60_000;
const CONNECTIONS_MAX = 20;

/** A client that says nothing until it is told to. */
async function opened(t: TestContext, port: number) {
  const socket: Socket = connect({ port, host: '127.0.0.1' });
  t.onTestFinished(() => void socket.destroy());
  const client = { socket, said: '', isClosed: false };
  socket.setEncoding('latin1').on('error', () => undefined);
  socket.on('data', (text: string) => {
    client.said += text;
  });
  socket.on('close', () => {
    client.isClosed = true;
  });
  await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve));
  return client;
}

test('a front with little room left closed the newcomer for whom it made room', async (t) => {
  let connectionCount = 0;
  const server = await openServer(
    (request, response) => (request.url === '/wait' ? undefined : response.end('answer')),
    {
      host: '127.0.0.1',
      port: 0,
      connectionsMax: CONNECTIONS_MAX,
    },
  );
  server.on('connection', () => {
    connectionCount += 1;
  });
  t.onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as { port: number };
  const ask = async (path: string) => {
    const client = await opened(t, port);
    client.socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
    return client;
  };
  const waiting = await ask('/wait');
  const silent = await opened(t, port);
  const idle = await Promise.all(Array.from({ length: CONNECTIONS_MAX - 5 }, () => ask('/')));
  await until('they are answered', WITHIN_MS, () => idle.every(({ said }) => said.includes('answer')));
  const newcomer = await opened(t, port);
  await until('it is accepted', WITHIN_MS, () => connectionCount === CONNECTIONS_MAX - 2);
  await until('those that are idle have ended', WITHIN_MS, () => idle.every(({ isClosed }) => isClosed));
  for (const client of [newcomer, silent]) {
    client.socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await until('it is answered', WITHIN_MS, () => client.said.includes('answer') || client.isClosed);
    expect(client.said).toContain('HTTP/1.1 200');
  }
  expect(waiting.isClosed).toBe(false);
});
