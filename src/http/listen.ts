// Opens an HTTP listener with limits on everything a client can make it hold: headers, bodies, time and connections.
import type { IncomingMessage, Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import { limits } from '../limits.ts';
import { notUnderstood } from './problems.ts';

export interface Listener {
  /** Where it listens, with the port it really got. */
  url: string;
  port: number;
  /** Stops accepting, ends idle connections, waits for requests in hand up to `drainMs`, then cuts what is left. */
  close(drainMs: number): Promise<void>;
}

type Fetch = (request: Request, env?: object) => Response | Promise<Response>;

export interface ListenOptions {
  fetch: Fetch;
  host: string;
  /** 0 takes any free port. */
  port: number;
}

/** Rejects when the port is taken. */
export async function listen({ fetch, host, port }: ListenOptions): Promise<Listener> {
  const server = createAdaptorServer({
    fetch: withHost(fetch),
    serverOptions: {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      keepAliveTimeout: limits.keepAliveMs,
      connectionsCheckingInterval: 1_000,
    },
  }) as Server;
  server.maxConnections = limits.connectionsMax;
  server.maxHeadersCount = 100;
  let closing = false;
  // A busy keep-alive connection would outlive the drain: while closing, each answer is its connection's last.
  server.prependListener('request', (_request, response) => {
    if (closing) response.shouldKeepAlive = false;
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const address = server.address();
  const actualPort = typeof address === 'object' && address !== null ? address.port : port;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${actualPort}`,
    port: actualPort,
    close: (drainMs) =>
      new Promise((resolve) => {
        closing = true;
        const cut = setTimeout(() => server.closeAllConnections(), drainMs);
        server.close(() => {
          clearTimeout(cut);
          resolve();
        });
        server.closeIdleConnections();
      }),
  };
}

/**
 * Refuses a Host that no URL can have, as `1..2`: the adapter makes a URL of it only when somebody needs one, deep inside
 * a handler, and fails there. Nearly all requests have the same Host, so that it is looked at once.
 */
function withHost(fetch: Fetch): Fetch {
  let good = '';
  return (request, env) => {
    const host = (env as { incoming?: IncomingMessage } | undefined)?.incoming?.headers.host ?? '';
    if (host !== good) {
      if (!URL.canParse(`http://${host || 'localhost'}/`)) return notUnderstood();
      good = host;
    }
    return fetch(request, env);
  };
}
