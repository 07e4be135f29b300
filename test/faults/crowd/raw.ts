// Bytes on a socket, as no client library would send them.
import { connect, type Socket } from 'node:net';

export interface RawConnection {
  socket: Socket;
  /** All that came back so far. */
  received: () => string;
  /** Resolves with ms since it was opened when the other side has closed it. */
  closed: Promise<number>;
}

/** Opens a connection to the host and port of `url`. Never throws; what goes wrong closes it. */
export function openRaw(url: string): RawConnection {
  const { hostname, port } = new URL(url);
  const openedAt = performance.now();
  const socket = connect(Number(port), hostname);
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  socket.on('error', () => undefined);
  const closed = new Promise<number>((resolve) => socket.once('close', () => resolve(performance.now() - openedAt)));
  return { socket, received: () => text, closed };
}

/** The status of the first answer to these bytes; 0 when the connection closed without one. */
export async function statusOf(url: string, bytes: string | Buffer, withinMs = 4_000): Promise<number> {
  const raw = openRaw(url);
  raw.socket.write(bytes);
  const late = setTimeout(() => raw.socket.destroy(), withinMs);
  while (!raw.socket.destroyed && !/^HTTP\/1\.1 \d{3}/.test(raw.received())) await new Promise((r) => setTimeout(r, 5));
  clearTimeout(late);
  raw.socket.destroy();
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(raw.received())?.[1] ?? 0);
}
