// Opens an HTTP listener for an application, which can be wound down and drained.
import type { Server, ServerResponse } from 'node:http';
import { getRequestListener, type HttpBindings, RequestError } from '@hono/node-server';
import { urlOf } from '../domain/listen-address.ts';
import { openServer, type ServerOptions } from '../listener/open-server.ts';
import { createSlowReading, type SlowReadingOptions } from '../listener/slow-reading.ts';
import { faulted, notUnderstood } from './problems.ts';
import type { Fetch } from './public/cors.ts';
import { inTurn } from './public/in-turn.ts';
import { isMisuse } from './respond.ts';

export interface Listener {
  /** Where this machine reaches it, with the port it really got. */
  url: string;
  port: number;
  /** From now on this answers, in place of what was given first. For an own crowd no refusal is counted. */
  serve(fetch: Fetch, options?: { isOwnCrowd?: boolean }): void;
  /** From now on each answer is the last of its connection: clients come back on another one, to whom the balancer says. */
  windDown(): void;
  /**
   * Stops accepting, ends idle connections, waits for requests in hand up to `drainMs`, then cuts what is left. Resolves
   * to how many connections were cut.
   */
  close(drainMs: number): Promise<number>;
}

export interface ListenOptions extends Omit<ServerOptions, 'slow'> {
  fetch: Fetch;
  /** Whom it reads slowly when they are refused again and again; nobody without it. */
  slowReading?: SlowReadingOptions | undefined;
}

/**
 * Hono answers HEAD as it would GET, in a second Response with headers of the Fetch standard, which costs as much as
 * half an answer. Node leaves the body of an answer to HEAD out by itself, and says its length.
 */
function asGet(request: Request): Request {
  return Object.defineProperty(request, 'method', { value: 'GET' });
}

const IDLE_LOOK_MS = 50;

/** Rejects when the port is taken. */
export async function listen({ fetch, slowReading, ...options }: ListenOptions): Promise<Listener> {
  let serving = fetch;
  let isOwn = false;
  const slow = slowReading === undefined ? undefined : createSlowReading(slowReading);
  const answer: Fetch = (request, env) =>
    inTurn(serving(request.method === 'HEAD' ? asGet(request) : request, env), (response) => {
      if (!isOwn && isMisuse(response)) slow?.refused((env as HttpBindings).outgoing as ServerResponse);
      return response;
    });
  const server = await openServer(
    getRequestListener(answer, {
      // Of HTTP/1.0, where a request may have none.
      hostname: 'localhost',
      errorHandler: (error) => (error instanceof RequestError ? notUnderstood() : faulted(error)),
    }),
    { ...options, slow },
  );
  const { host, port } = options;
  let windingDown = false;
  // A busy keep-alive connection would outlive the drain.
  server.prependListener('request', (_request, response) => {
    if (windingDown) response.shouldKeepAlive = false;
  });
  const address = server.address();
  const actualPort = typeof address === 'object' && address !== null ? address.port : port;
  return {
    url: urlOf(host, actualPort),
    port: actualPort,
    serve: (next, { isOwnCrowd = false } = {}) => {
      serving = next;
      isOwn = isOwnCrowd;
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
