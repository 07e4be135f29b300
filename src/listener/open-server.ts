// Opens an HTTP server with limits on everything a client can make it hold: headers, bodies, time and connections. All
// listeners of all processes are opened here.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { limits } from '../process/limits.ts';
import { answerBare, answerClientErrors } from './bare-answers.ts';
import type { SlowReading } from './slow-reading.ts';

export interface ServerOptions {
  host: string;
  /** 0 takes any free port. */
  port: number;
  /** How long an idle connection stays open. */
  keepAliveMs?: number | undefined;
  connectionsMax?: number | undefined;
  /** How long a connection may say nothing, before its first request too. */
  silentMs?: number | undefined;
  /** The most connections of one address; those beyond it are closed. No bound without it. */
  perAddress?: AddressBound | undefined;
  /** Whose clients may not send ahead. */
  slow?: SlowReading | undefined;
}

export interface AddressBound {
  max: number;
  /** What a connection is counted by; undefined for one that is not counted. */
  countedBy: (remoteAddress: string | undefined) => string | undefined;
  /** Called for each connection that is closed. */
  onRefused?: () => void;
}

type OnRequest = (request: IncomingMessage, response: ServerResponse) => unknown;

/** Rejects when the port is taken. */
export async function openServer(onRequest: OnRequest, options: ServerOptions): Promise<Server> {
  const { host, port, keepAliveMs = limits.keepAliveMs, connectionsMax = limits.connectionsMax } = options;
  const { silentMs = Math.max(limits.silentMs, keepAliveMs) } = options;
  const server = createServer(
    {
      maxHeaderSize: limits.headerBytes,
      // From the first byte of a request: an idle connection is not measured by it.
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      keepAliveTimeout: keepAliveMs,
      connectionsCheckingInterval: 1_000,
      // Node's own refusal has no body; `withHost` refuses the same requests.
      requireHostHeader: false,
    },
    withShortLine(withPlainTarget(withHost(onRequest)), options.slow),
  );
  server.maxConnections = connectionsMax;
  // Node's own time limits begin with the first byte of a request; a stream's comments keep it from being silent.
  server.timeout = silentMs;
  server.maxHeadersCount = 100;
  answerClientErrors(server);
  if (options.perAddress !== undefined) boundByAddress(server, options.perAddress);
  server.prependListener('request', keepRoom(server, connectionsMax));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host, backlog: limits.acceptQueueMax }, resolve);
  });
  return server;
}

/**
 * Refuses a Host that no URL can have, as `1..2`: the adapter makes a URL of it only when somebody needs one, deep inside
 * a handler, and fails there. HTTP/1.0 may leave Host out, and health checks of load balancers do. Nearly all requests
 * have the same Host, so that it is looked at once.
 */
function withHost(onRequest: OnRequest): OnRequest {
  let good = '';
  return (request, response) => {
    const { host } = request.headers;
    if (host !== good) {
      if (host === undefined ? request.httpVersion !== '1.0' : !isHost(host)) return answerBare(response, 400);
      good = host ?? good;
    }
    return onRequest(request, response);
  };
}

/**
 * Refuses dot segments, which one router would resolve and another take for a name, and a second Host, of which a proxy
 * may have looked at the other one (RFC 9112 §3.2).
 */
function withPlainTarget(onRequest: OnRequest): OnRequest {
  return (request, response) => {
    const { url = '', rawHeaders } = request;
    const mayBeDotted = url.includes('/.') || url.includes('%') || url.includes('\\');
    if ((mayBeDotted && DOTTED.test(url)) || hostCount(rawHeaders) > 1) return answerBare(response, 400);
    return onRequest(request, response);
  };
}

/**
 * Closes a connection with too many requests behind one that is not answered: their answers wait in memory for the first,
 * which may take 30 s. Browsers and proxies send none; a client that floods sends nothing else. Of a client that is read
 * slowly none is taken: what it sent while nobody read would arrive at once.
 */
function withShortLine(onRequest: OnRequest, slow: SlowReading | undefined): OnRequest {
  const lengths = new WeakMap<Socket, number>();
  return (request, response) => {
    // Node gives a response its connection once those before it have ended.
    if (response.socket !== null) return onRequest(request, response);
    const { socket } = request;
    if (slow?.sentAhead(socket)) return socket.destroy();
    const length = (lengths.get(socket) ?? 0) + 1;
    if (length > limits.requestsInLineMax) return socket.destroy();
    lengths.set(socket, length);
    response.once('close', () => lengths.set(socket, lengths.get(socket)! - 1));
    return onRequest(request, response);
  };
}

/** A segment `.` or `..` of the path, its dots escaped or not. */
const DOTTED = /^[^?#]*[/\\](?:\.|%2e){1,2}(?:[/\\?#]|$)/i;

function hostCount(raw: readonly string[]): number {
  let count = 0;
  for (let i = 0; i < raw.length; i += 2) if (raw[i]!.length === 4 && raw[i]!.toLowerCase() === 'host') count += 1;
  return count;
}

const isHost = (host: string): boolean => host !== '' && URL.canParse(`http://${host}/`);

/**
 * Idle connections are kept for those who come back, and end when newcomers need their place. Node's closeIdleConnections
 * would end newcomers as well, whose first request is still on its way; those that stay silent are idle in the end.
 */
function keepRoom(server: Server, connectionsMax: number): OnRequest {
  const open = new Set<Socket & { _httpMessage?: ServerResponse | null }>();
  /** When each came that has sent no request yet, by performance.now(). */
  const newcomers = new Map<Socket, number>();
  let roomAt = Number.NEGATIVE_INFINITY;
  server.on('connection', (socket) => {
    open.add(socket);
    const now = performance.now();
    newcomers.set(socket, now);
    socket.once('close', () => {
      open.delete(socket);
      newcomers.delete(socket);
    });
    if (open.size < connectionsMax * limits.connectionsBusyShare) return;
    // Looking through all connections costs milliseconds.
    if (now - roomAt < limits.makeRoomMs) return;
    roomAt = now;
    for (const one of open) {
      const isNew = now - (newcomers.get(one) ?? Number.NEGATIVE_INFINITY) < limits.headersMs;
      if (!isNew && !one._httpMessage) one.destroy();
    }
  });
  return (request) => newcomers.delete(request.socket);
}

/** One address must not take all the connections of a listener. A connection that is refused takes no place. */
function boundByAddress(server: Server, { max, countedBy, onRefused }: AddressBound): void {
  const counts = new Map<string, number>();
  server.on('connection', (socket) => {
    const address = countedBy(socket.remoteAddress);
    if (address === undefined) return;
    const count = (counts.get(address) ?? 0) + 1;
    if (count > max) {
      socket.destroy();
      onRefused?.();
      return;
    }
    counts.set(address, count);
    socket.once('close', () => {
      const left = counts.get(address)! - 1;
      if (left > 0) counts.set(address, left);
      else counts.delete(address);
    });
  });
}
