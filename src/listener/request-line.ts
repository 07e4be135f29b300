// Requests that a client sends behind another one on the same connection, before that is answered. Their answers wait in
// memory for the first, whose answer may take 30 s. Browsers and proxies send none; a client that floods sends nothing else.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { limits } from '../process/limits.ts';

type OnRequest = (request: IncomingMessage, response: ServerResponse) => unknown;

/** `onRequest`, which sees at most so many; beyond them the connection is closed. */
export function withShortLine(onRequest: OnRequest): OnRequest {
  const lengths = new WeakMap<Socket, number>();
  return (request, response) => {
    // Node gives a response its connection once those before it have ended.
    if (response.socket !== null) return onRequest(request, response);
    const { socket } = request;
    const length = (lengths.get(socket) ?? 0) + 1;
    if (length > limits.requestsInLineMax) return socket.destroy();
    lengths.set(socket, length);
    response.once('close', () => lengths.set(socket, lengths.get(socket)! - 1));
    return onRequest(request, response);
  };
}
