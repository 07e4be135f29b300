// The retrier's queue in a browser, at /admin/queues. A browser cannot send a bearer token, so Basic credentials with the
// token as their password do as well. Only GET and HEAD get through: a browser sends Basic credentials along with what
// other sites make it ask, and a question that changes nothing is all that they can make it ask.
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Context, Hono, Next } from 'hono';
import * as problems from '../problems.ts';
import { SECURE_HEADERS } from '../respond.ts';
import { type AdminTokens, knownTokens, tokenIn } from './roles.ts';

export const BOARD_PATH = '/admin/queues';

/** A page of scripts and styles of its own, and nothing from elsewhere: not even the fonts that it asks for. */
const PAGE_HEADERS = {
  ...SECURE_HEADERS,
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'self'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
};

/** Mount it before the bearer check of the other admin routes, which refuses Basic credentials. */
export function boardRoute(app: OpenAPIHono, deps: { board: Hono; tokens: AdminTokens }): void {
  const isKnown = knownTokens(deps.tokens);
  const guard = async (c: Context, next: Next): Promise<Response | undefined> => {
    if (!isKnown(tokenIn(c.req.header('authorization') ?? ''))) {
      return problems.ofStatus(401, new Headers({ 'www-authenticate': 'Basic realm="sluice-admin", charset="UTF-8"' }));
    }
    if (c.req.method !== 'GET' && c.req.method !== 'HEAD') return problems.methodNotAllowed(['GET']);
    await next();
    if (c.res.status === 404) c.res = problems.notFound();
    else for (const [name, value] of Object.entries(PAGE_HEADERS)) c.res.headers.set(name, value);
    return undefined;
  };
  app.use(BOARD_PATH, guard);
  app.use(`${BOARD_PATH}/*`, guard);
  app.route(BOARD_PATH, deps.board);
  // What the board has not got ends here: beyond is the bearer check, which would ask a browser for what it cannot send.
  app.all(`${BOARD_PATH}/*`, () => problems.notFound());
}
