// Lets pages of other origins join and poll: the CORS protocol of the Fetch standard. The headers are set on Node's answer
// before the application makes its own, so that every answer has them: errors, refusals and event streams alike. A request
// without Origin costs nothing more.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { SECURE_HEADERS } from '../../listener/bare-answers.ts';
import { limits } from '../../process/limits.ts';

export type Fetch = (request: Request, env?: object) => Response | Promise<Response>;

const PREFLIGHT = {
  ...SECURE_HEADERS,
  'access-control-allow-methods': 'GET, POST, DELETE',
  'access-control-allow-headers':
    'accept, authorization, content-type, last-event-id, prefer, traceparent, tracestate, x-user-id',
  'access-control-max-age': String(limits.preflightMaxAgeSeconds),
};

const EXPOSED = 'location, preference-applied, ratelimit, ratelimit-policy, retry-after, traceparent';

/**
 * `fetch`, whose answers pages of these `origins` may read. Preflights are answered here: nothing is asked for them and no
 * limit counts them. There are no cookies to send along, so that credentials are never allowed.
 */
export function withCors(fetch: Fetch, origins: readonly string[]): Fetch {
  if (origins.length === 0) return fetch;
  const allowed = new Set(origins);
  return (request, env) => {
    const { incoming, outgoing } = env as { incoming: IncomingMessage; outgoing: ServerResponse };
    const { origin } = incoming.headers;
    if (origin === undefined) return fetch(request, env);
    outgoing.setHeader('vary', 'origin');
    if (!allowed.has(origin)) return fetch(request, env);
    outgoing.setHeader('access-control-allow-origin', origin);
    if (incoming.method === 'OPTIONS' && incoming.headers['access-control-request-method'] !== undefined) {
      return new Response(null, { status: 204, headers: PREFLIGHT });
    }
    outgoing.setHeader('access-control-expose-headers', EXPOSED);
    return fetch(request, env);
  };
}
