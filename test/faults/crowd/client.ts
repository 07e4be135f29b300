// A client of the public API that never throws: every question ends as an answer or as unknown.
import http from 'node:http';

export interface Answer {
  status: number;
  headers: http.IncomingHttpHeaders;
  text: string;
  /** Undefined when it is no JSON. */
  body: Record<string, unknown> | undefined;
}

export interface Client {
  ask: (path: string, options?: Asked) => Promise<Answer | { unknown: string }>;
  close: () => void;
}

export interface Asked {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
  /** Ends the question, as a client does that leaves. */
  leaving?: AbortSignal;
}

/**
 * At most `socketsMax` questions at once; each ends within `patienceMs` of the moment it has a socket. Waiting for one does not
 * count: a buyer has a connection of their own, and where this process is slow every question of a crowd would end unsent.
 */
export function openClient(url: string, { socketsMax = 256, patienceMs = 5_000 } = {}): Client {
  const base = new URL(url);
  const agent = new http.Agent({ keepAlive: true, maxSockets: socketsMax });
  const ask: Client['ask'] = (path, { method = 'GET', headers = {}, body, leaving } = {}) =>
    new Promise((resolve) => {
      const { hostname: host, port } = base;
      const request = http.request({ agent, host, port, method, path, headers, ...(leaving && { signal: leaving }) });
      let patience: NodeJS.Timeout | undefined;
      request.once('socket', () => {
        patience = setTimeout(() => request.destroy(new Error(`no answer in ${patienceMs} ms`)), patienceMs);
      });
      const end = (result: Answer | { unknown: string }) => {
        clearTimeout(patience);
        resolve(result);
      };
      request.on('error', (error: NodeJS.ErrnoException) => end({ unknown: error.code ?? error.message }));
      request.on('response', (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('error', (error: NodeJS.ErrnoException) => end({ unknown: error.code ?? error.message }));
        response.on('end', () => {
          end({ status: response.statusCode!, headers: response.headers, text, body: objectOf(text) });
        });
      });
      request.end(body);
    });
  return { ask, close: () => agent.destroy() };
}

function objectOf(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** Ms to wait by a `Retry-After` header in seconds. */
export const retryAfterOf = (answer: Answer): number | undefined =>
  /^\d+$/.test(answer.headers['retry-after'] ?? '') ? Number(answer.headers['retry-after']) * 1_000 : undefined;
