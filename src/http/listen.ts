// Opens an HTTP listener with limits on everything a client can make it hold: headers, bodies, time and connections.
import type { IncomingMessage, Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import { urlOf } from '../domain/listen-address.ts';
import { limits } from '../limits.ts';
import { notUnderstood } from './problems.ts';

export interface Listener {
  /** Where this machine reaches it, with the port it really got. */
  url: string;
  port: number;
  /** From now on this answers, in place of what was given first. */
  serve(fetch: Fetch): void;
  /** From now on each answer is the last of its connection: clients come back on another one, to whom the balancer says. */
  windDown(): void;
  /**
   * Stops accepting, ends idle connections, waits for requests in hand up to `drainMs`, then cuts what is left. Resolves
   * to how many connections were cut.
   */
  close(drainMs: number): Promise<number>;
}

type Fetch = (request: Request, env?: object) => Response | Promise<Response>;

export interface ListenOptions {
  fetch: Fetch;
  host: string;
  /** 0 takes any free port. */
  port: number;
}

const IDLE_LOOK_MS = 50;

/** Rejects when the port is taken. */
export async function listen({ fetch, host, port }: ListenOptions): Promise<Listener> {
  let serving = fetch;
  const server = createAdaptorServer({
    fetch: withHost((request, env) => serving(request, env)),
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
  let windingDown = false;
  // A busy keep-alive connection would outlive the drain.
  server.prependListener('request', (_request, response) => {
    if (windingDown) response.shouldKeepAlive = false;
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host, backlog: limits.acceptQueueMax }, resolve);
  });
  const address = server.address();
  const actualPort = typeof address === 'object' && address !== null ? address.port : port;
  return {
    url: urlOf(host, actualPort),
    port: actualPort,
    serve: (next) => {
      serving = next;
    },
    windDown: () => {
      windingDown = true;
    },
    close(drainMs) {
      windingDown = true;
      return closed(server, drainMs);
    },
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

function closed(server: Server, drainMs: number): Promise<number> {
  return new Promise((resolve) => {
    let cutCount = 0;
    const cut = setTimeout(() => {
      server.getConnections((_error, count) => {
        cutCount = count;
        server.closeAllConnections();
      });
    }, drainMs);
    // A request that was in hand when this began leaves its connection idle.
    const idle = setInterval(() => server.closeIdleConnections(), IDLE_LOOK_MS);
    server.close(() => {
      clearTimeout(cut);
      clearInterval(idle);
      resolve(cutCount);
    });
    server.closeIdleConnections();
  });
}
