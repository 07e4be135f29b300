// A TCP proxy between a client and its server that can be told to fail as networks do.
import { connect, createServer, type Socket } from 'node:net';
import type { TestContext } from 'vitest';

/**
 * - `pass`: what comes is passed on.
 * - `hold`: nothing is passed on, either way, until the next mode; then all of it is, in order.
 * - `drop-replies`: the server hears everything, the client nothing.
 * - `reset`: connections are reset, new ones too.
 */
export type ProxyMode = 'pass' | 'hold' | 'drop-replies' | 'reset';

export interface TcpProxy {
  /** The target's address with the proxy's port. */
  url: string;
  set: (mode: ProxyMode) => void;
  /** Connections from now on go to this server; those that stand stay. */
  turnTo: (target: string) => void;
  /** Connections that are open now carry nothing any more and stay open, as when a firewall forgets them; new ones work. */
  strand: () => void;
  /** Replies are this late from now on, ms; 0 for not at all. */
  delay: (ms: number) => void;
  /** Bytes of replies that were dropped so far. */
  droppedBytes: () => number;
}

interface Pair {
  client: Socket;
  server: Socket;
  held: { to: Socket; chunk: Buffer }[];
  /** A stream with a hole in it is good for nothing more. */
  isBroken: boolean;
  isStranded: boolean;
}

/** Listens on a free port for `target`, a URL; gone when the test ends. */
export async function startTcpProxy(t: TestContext, target: string): Promise<TcpProxy> {
  let upstream = new URL(target);
  const pairs = new Set<Pair>();
  let mode: ProxyMode = 'pass';
  let dropped = 0;
  let delayMs = 0;

  const pass = (pair: Pair, to: Socket, chunk: Buffer) => {
    if (pair.isStranded) return;
    if (mode === 'hold') pair.held.push({ to, chunk });
    else if (mode === 'drop-replies' && to === pair.client) {
      pair.isBroken = true;
      dropped += chunk.length;
    } else if (delayMs > 0 && to === pair.client) setTimeout(() => to.writable && to.write(chunk), delayMs);
    else to.write(chunk);
  };
  const end = (pair: Pair) => {
    pairs.delete(pair);
    pair.client.resetAndDestroy();
    pair.server.destroy();
  };
  const listener = createServer((client) => {
    if (mode === 'reset') {
      client.on('error', () => undefined);
      client.resetAndDestroy();
      return;
    }
    const server = connect(Number(upstream.port), upstream.hostname);
    const pair: Pair = { client, server, held: [], isBroken: false, isStranded: false };
    pairs.add(pair);
    client.on('data', (chunk: Buffer) => pass(pair, server, chunk));
    server.on('data', (chunk: Buffer) => pass(pair, client, chunk));
    for (const socket of [client, server]) {
      socket.on('error', () => undefined);
      socket.on('close', () => end(pair));
    }
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  t.onTestFinished(async () => {
    for (const pair of pairs) end(pair);
    await new Promise((resolve) => listener.close(resolve));
  });
  const { port } = listener.address() as { port: number };
  return {
    url: Object.assign(new URL(target), { host: `127.0.0.1:${port}` }).href,
    set: (next) => {
      mode = next;
      for (const pair of pairs) {
        if (mode === 'reset' || (pair.isBroken && mode !== 'drop-replies')) end(pair);
        else for (const { to, chunk } of pair.held.splice(0)) pass(pair, to, chunk);
      }
    },
    turnTo: (next) => {
      upstream = new URL(next);
    },
    strand: () => {
      for (const pair of pairs) pair.isStranded = true;
    },
    delay: (ms) => {
      delayMs = ms;
    },
    droppedBytes: () => dropped,
  };
}
