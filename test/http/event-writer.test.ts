import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { expect, type TestContext, test } from 'vitest';
import { listen } from '../../src/http/listen.ts';
import { type EventWriter, openEvents, WRITTEN } from '../../src/http/public/event-writer.ts';
import { until } from '../helpers/until.ts';

const WITHIN_MS = 60_000;
const event = (id: string, data = '{}') => ({ id, data, retryMs: 1_000 });

/** A stream to a client that reads nothing until it is told to. */
async function silentReader(t: TestContext) {
  let opened: { events: EventWriter; outgoing: ServerResponse } | undefined;
  const listener = await listen({
    host: '127.0.0.1',
    port: 0,
    fetch: (_request, env) => {
      const { outgoing } = env as { outgoing: ServerResponse };
      opened = { events: openEvents({ env } as never, { 'content-type': 'text/event-stream' }), outgoing };
      return WRITTEN;
    },
  });
  t.onTestFinished(() => listener.close(0).then(() => undefined));
  const socket = connect({ port: listener.port, host: '127.0.0.1' });
  t.onTestFinished(() => void socket.destroy());
  socket.pause();
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await until('the stream is open', WITHIN_MS, () => opened !== undefined);
  return { ...opened!, socket };
}

/** Writes until a write does not resolve; gives that write. */
async function fill({ events, outgoing }: { events: EventWriter; outgoing: ServerResponse }) {
  for (let n = 0; ; n += 1) {
    const written = events.write(event(`${n}`, `"${'x'.repeat(100_000)}"`));
    if (outgoing.writableNeedDrain) return written;
    await written;
  }
}

test('a client that reads nothing is sent no comment on top, and whoever writes to it can be released', async (t) => {
  const stream = await silentReader(t);
  const written = fill(stream);
  await until('the client has enough', WITHIN_MS, () => stream.outgoing.writableNeedDrain);
  const before = stream.outgoing.writableLength;
  stream.events.comment();
  expect(stream.outgoing.writableLength).toBe(before);
  stream.events.release();
  await written;
});

test('a write goes on once the client reads, and when its connection is gone', async (t) => {
  const reading = await silentReader(t);
  const read = fill(reading);
  await until('the client has enough', WITHIN_MS, () => reading.outgoing.writableNeedDrain);
  reading.socket.resume();
  await read;
  const leaving = await silentReader(t);
  const left = fill(leaving);
  await until('the other client has enough', WITHIN_MS, () => leaving.outgoing.writableNeedDrain);
  leaving.socket.destroy();
  await left;
  // Nothing that comes later is an error of the process.
  await leaving.events.write(event('late'));
  leaving.events.comment();
  leaving.events.end();
});
