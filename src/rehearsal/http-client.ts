// A small JSON client over node:http with bounded keep-alive sockets: every request ends as an answer or as "unknown".
import http from 'node:http';
import https from 'node:https';
import { BODY_BYTES_MAX } from './limits.ts';

interface HttpRequest {
  method: 'GET' | 'POST' | 'DELETE';
  path: string;
  headers?: Record<string, string>;
  /** Sent as JSON. */
  body?: unknown;
  /** Called when the request leaves our queue. */
  onSend?: () => void;
}

export type HttpResult =
  /**
   * `body` is undefined when it was not JSON, and of an event stream the data of its last event; `retryAfterMs` is undefined
   * when there was no usable header.
   */
  | { kind: 'answer'; status: number; retryAfterMs: number | undefined; body: unknown }
  /** No whole answer came: the service may or may not have acted. */
  | { kind: 'unknown'; reason: string };

export interface HttpClient {
  /** Never rejects. */
  request(request: HttpRequest): Promise<HttpResult>;
  /** Ends every socket; requests under way end as unknown. */
  close(): void;
}

/**
 * A client of `baseUrl` (http or https) with at most `socketsMax` requests under way; the others wait their turn here.
 * `timeoutMs` counts from the moment a request is sent: time spent in our own queue must not look like the service's
 * silence (the latency log, which counts from the intended time, has it).
 */
export function createHttpClient(deps: { baseUrl: string; socketsMax: number; timeoutMs: number }): HttpClient {
  const base = new URL(deps.baseUrl);
  const transport = base.protocol === 'https:' ? https : http;
  const agent = new transport.Agent({ keepAlive: true, maxSockets: deps.socketsMax, scheduling: 'fifo' });
  const prefix = base.pathname.replace(/\/$/, '');
  const underWay = new Set<http.ClientRequest>();
  const turns = createTurns(deps.socketsMax);

  function send(request: HttpRequest): Promise<HttpResult> {
    return new Promise((resolve) => {
      const body = request.body === undefined ? undefined : JSON.stringify(request.body);
      const outgoing = transport.request({
        agent,
        host: base.hostname.replace(/^\[|\]$/g, ''),
        port: base.port,
        method: request.method,
        path: prefix + request.path,
        headers: body === undefined ? request.headers : { ...request.headers, 'content-type': 'application/json' },
      });
      underWay.add(outgoing);
      const timer = setTimeout(() => outgoing.destroy(new Error(`no answer in ${deps.timeoutMs} ms`)), deps.timeoutMs);
      const end = (result: HttpResult) => {
        clearTimeout(timer);
        underWay.delete(outgoing);
        resolve(result);
      };
      outgoing.once('response', (incoming) => readAnswer(incoming, end));
      outgoing.on('error', (error) => end({ kind: 'unknown', reason: reasonOf(error) }));
      outgoing.end(body);
    });
  }

  return {
    async request(request) {
      if (!(await turns.take())) return { kind: 'unknown', reason: 'the client is closed' };
      request.onSend?.();
      const result = await send(request);
      turns.give();
      return result;
    },
    close() {
      turns.close();
      for (const outgoing of underWay) outgoing.destroy(new Error('the client was closed'));
      agent.destroy();
    },
  };
}

/** First come, first served, `max` at a time. Not the agent's own queue, which cannot be emptied. */
function createTurns(max: number) {
  let free = max;
  let closed = false;
  let waiting: ((taken: boolean) => void)[] = [];
  let head = 0;
  return {
    take(): Promise<boolean> | boolean {
      if (closed) return false;
      if (free === 0) return new Promise((resolve) => waiting.push(resolve));
      free -= 1;
      return true;
    },
    give() {
      const next = waiting[head];
      if (next === undefined) {
        free += 1;
        return;
      }
      head += 1;
      if (head * 2 > waiting.length) {
        waiting = waiting.slice(head);
        head = 0;
      }
      next(true);
    },
    close() {
      closed = true;
      for (const resolve of waiting.slice(head)) resolve(false);
      waiting = [];
      head = 0;
    },
  };
}

function readAnswer(incoming: http.IncomingMessage, end: (result: HttpResult) => void): void {
  let text = '';
  incoming.setEncoding('utf8');
  incoming.on('data', (chunk: string) => {
    text += chunk;
    if (text.length > BODY_BYTES_MAX) incoming.destroy(new Error(`answer longer than ${BODY_BYTES_MAX} bytes`));
  });
  incoming.on('error', (error) => end({ kind: 'unknown', reason: reasonOf(error) }));
  incoming.once('end', () => {
    const retryAfterMs = parseRetryAfter(incoming.headers['retry-after'], Date.now());
    const isStream = incoming.headers['content-type']?.startsWith('text/event-stream') === true;
    const body = parseJson(isStream ? lastEvent(text) : text);
    end({ kind: 'answer', status: incoming.statusCode ?? 0, retryAfterMs, body });
  });
}

/** The data of the last event of a stream that has ended, of events whose data is a single line each. */
function lastEvent(text: string): string {
  const start = text.lastIndexOf('\ndata:');
  return start < 0 ? '' : text.slice(start + '\ndata:'.length).split('\n', 1)[0]!;
}

/** Ms to wait by a `Retry-After` value, seconds or a date (RFC 9110 §10.2.3); undefined without a usable one. */
export function parseRetryAfter(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The error's code where it has one: Node leaves the message empty when every address of a name was refused. */
function reasonOf(error: NodeJS.ErrnoException): string {
  return error.code !== undefined && !error.message.includes(error.code)
    ? `${error.code} ${error.message}`
    : error.message;
}
