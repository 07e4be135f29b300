// HTTP by hand: bytes as a well-behaved client would never send them.
import { connect, type Socket } from 'node:net';
import { DEADLINE_MS } from '../helpers/deadlines.ts';

export interface RawAnswer {
  /** 0 when the connection was closed without an answer. */
  status: number;
  /** By lower-case name; of several with one name, the last. */
  headers: Record<string, string>;
  body: string;
}

export interface RawRequest {
  method?: string;
  path?: string;
  version?: string;
  headers?: readonly (readonly [string, string])[];
  /** Its length is told unless `headers` tell one. */
  body?: string | Buffer;
}

/** The bytes of a request; every character up to U+00FF is one byte. */
export function bytesOf({ method = 'GET', path = '/', version = 'HTTP/1.1', headers = [], body }: RawRequest): Buffer {
  const names = new Set(headers.map(([name]) => name.toLowerCase()));
  const all = [...headers, ['connection', 'close'] as const].map(([name, value]) => `${name}: ${value}\r\n`);
  if (!names.has('host')) all.unshift('Host: localhost:8080\r\n');
  if (body !== undefined && !names.has('content-length') && !names.has('transfer-encoding')) {
    all.push(`Content-Length: ${Buffer.byteLength(body)}\r\n`);
  }
  const head = Buffer.from(`${method} ${path} ${version}\r\n${all.join('')}\r\n`, 'latin1');
  return body === undefined ? head : Buffer.concat([head, Buffer.from(body as string)]);
}

/**
 * Sends `bytes` and reads until the server closes. One that has nothing to say after `patienceMs` hears that no more will
 * come; when it still does not close, that is an error.
 */
export async function send(port: number, bytes: Buffer, patienceMs = 10_000): Promise<RawAnswer> {
  const chunks: Buffer[] = [];
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  try {
    await new Promise<void>((resolve, reject) => {
      const last = setTimeout(() => reject(new Error('the server neither answers nor closes')), DEADLINE_MS);
      const hint = setTimeout(() => socket.end(), patienceMs);
      socket.on('data', (chunk: Buffer) => chunks.push(chunk));
      // The server may have closed before it took everything: what it said counts.
      socket.on('error', () => undefined);
      socket.on('end', () => socket.end());
      socket.on('close', () => {
        clearTimeout(last);
        clearTimeout(hint);
        resolve();
      });
      socket.write(bytes);
    });
  } finally {
    socket.destroy();
  }
  return parse(Buffer.concat(chunks));
}

/** A connection that stays open for the caller to write to. */
export function open(port: number): Socket {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  return socket;
}

function parse(bytes: Buffer): RawAnswer {
  const text = bytes.toString('latin1').replace(/^HTTP\/1\.1 100 Continue\r\n\r\n/, '');
  if (text === '') return { status: 0, headers: {}, body: '' };
  const end = text.indexOf('\r\n\r\n');
  const [first = '', ...lines] = text.slice(0, end).split('\r\n');
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(first)?.[1]);
  if (!status) throw new Error(`no status line: ${first.slice(0, 80)}`);
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  );
  const rest = text.slice(end + 4);
  return { status, headers, body: headers['transfer-encoding'] === 'chunked' ? dechunk(rest) : rest };
}

function dechunk(text: string): string {
  let body = '';
  for (let at = 0; at < text.length; ) {
    const line = text.indexOf('\r\n', at);
    const size = Number.parseInt(text.slice(at, line), 16);
    if (!size) break;
    body += text.slice(line + 2, line + 2 + size);
    at = line + 2 + size + 2;
  }
  return body;
}
