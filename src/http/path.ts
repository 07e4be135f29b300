// The path of a request. Nearly all of them need no decoding and are the request target itself; taking the URL apart
// character by character costs a poll 1 µs.
import type { IncomingMessage } from 'node:http';
import { getPath } from 'hono/utils/url';

/** A target without query, fragment and percent signs. */
const PLAIN = /^\/[A-Za-z0-9._~/-]*$/;

export function pathOf(request: Request, options?: { env?: unknown }): string {
  const target = (options?.env as { incoming?: IncomingMessage } | undefined)?.incoming?.url;
  return target !== undefined && PLAIN.test(target) ? target : getPath(request);
}
