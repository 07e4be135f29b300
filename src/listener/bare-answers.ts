// Answers to what no application sees: bytes that are no request, requests that are too large or too slow, and Hosts that
// no URL can have. Node and the adapter would send an empty body.
import { type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';

/** On every answer: nothing here is a document, nothing may be sniffed, framed or kept. */
export const SECURE_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const;

const TITLES = {
  400: 'The request was not understood',
  404: 'There is nothing at this path',
  408: 'The request did not arrive in time',
  413: 'The request body is too large',
  417: 'The server cannot do what the Expect header asks for',
  431: 'The request headers are too large',
  503: 'The answer is not known now; ask again',
} as const;

export type BareStatus = keyof typeof TITLES;

/** Node's codes for what went wrong before there was a request; anything else is a 400. */
const STATUS_OF: Record<string, BareStatus> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/** Answers with a problem (RFC 9457) and ends the connection. */
export function answerBare(response: ServerResponse, status: BareStatus): void {
  response.writeHead(status, headersOf(status)).end(bodyOf(status));
}

/** Makes `server` answer with a problem where Node answers with a status alone. */
export function answerClientErrors(server: Server): void {
  server.on('checkExpectation', (_request, response) => answerBare(response, 417));
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const connection = socket as Socket & { _httpMessage?: ServerResponse };
    // As Node does: bytes in the middle of an answer that is on its way would be taken for part of it.
    const isAnswering = connection._httpMessage?.headersSent === true;
    if (connection.writable && error.code !== 'ECONNRESET' && !isAnswering) {
      connection.write(bytesOf(STATUS_OF[error.code ?? ''] ?? 400));
    }
    connection.destroy();
  });
}

const bodyOf = (status: BareStatus): string => JSON.stringify({ type: 'about:blank', title: TITLES[status], status });

function headersOf(status: BareStatus): Record<string, string | number> {
  const length = Buffer.byteLength(bodyOf(status));
  return {
    ...SECURE_HEADERS,
    'content-type': 'application/problem+json',
    'content-length': length,
    connection: 'close',
  };
}

function bytesOf(status: BareStatus): string {
  const lines = Object.entries(headersOf(status)).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${bodyOf(status)}`;
}
