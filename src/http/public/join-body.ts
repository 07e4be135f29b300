// A join takes no body. One that is announced too large is refused unread; one in chunks, which announces nothing, is
// read until it is too large.
import type { IncomingMessage } from 'node:http';
import type { Context } from 'hono';
import { limits } from '../../process/limits.ts';
import type { Header } from '../headers.ts';

/** Whether the body is too large: at once where it is announced or there is none. */
export function isBodyTooLarge(c: Context, header: Header): boolean | Promise<boolean> {
  const length = header('content-length');
  if (length !== undefined) return Number(length) > limits.joinBodyBytes;
  if (header('transfer-encoding') === undefined) return false;
  const incoming = (c.env as { incoming?: IncomingMessage } | undefined)?.incoming;
  return incoming === undefined ? false : isTooLong(incoming);
}

function isTooLong(incoming: IncomingMessage): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  let bytes = 0;
  const count = (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= limits.joinBodyBytes) return;
    incoming.off('data', count);
    incoming.pause();
    resolve(true);
  };
  incoming.on('data', count);
  // A client that leaves half-way gets no answer anyway.
  for (const event of ['end', 'error', 'close']) incoming.once(event, () => resolve(false));
  return promise;
}
