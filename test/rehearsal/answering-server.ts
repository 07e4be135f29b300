// A real HTTP server that answers as a test says: a fixture of the generator, not a stand-in for the service.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'vitest';

export interface Seen {
  method: string;
  path: string;
  user: string;
  /** How many times this user has sent this method and path, this one included. */
  times: number;
  /** Monotonic ms. */
  atMs: number;
}

export interface AnsweringServer {
  url: string;
  seen: Seen[];
  /** Sockets opened so far. */
  readonly socketCount: number;
}

/** Starts the server; it ends with the test. */
export async function startServer(
  t: TestContext,
  answer: (seen: Seen, response: ServerResponse, request: IncomingMessage) => void,
): Promise<AnsweringServer> {
  const seen: Seen[] = [];
  const times = new Map<string, number>();
  let socketCount = 0;
  const server = createServer((request, response) => {
    request.resume();
    const user = String(request.headers['x-user-id'] ?? '');
    const { method = '', url: path = '' } = request;
    const key = `${method} ${path} ${user}`;
    times.set(key, (times.get(key) ?? 0) + 1);
    seen.push({ method, path, user, times: times.get(key)!, atMs: performance.now() });
    answer(seen.at(-1)!, response, request);
  });
  server.on('connection', () => {
    socketCount += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    get socketCount() {
      return socketCount;
    },
  };
}

/** Answers in JSON; problem types are given by their last segment. */
export function reply(
  response: ServerResponse,
  status: number,
  body: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

export const problem = (type: string) => ({ type: `https://sluice.example/problems/${type}` });

export const ticketBody = (user: string, seq: number, status = 'queued', more: Record<string, unknown> = {}) => ({
  ticket: `ticket-of-${user}`,
  status,
  seq,
  pollAfterMs: 20,
  ...more,
});
