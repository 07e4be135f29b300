// Who may do what on the admin listener: a bearer token is a role. There are no cookies and there must never be any: what
// a browser sends by itself, any site could make it send.
import type { Context, MiddlewareHandler } from 'hono';
import { bearerAuth } from 'hono/bearer-auth';
import { utf8Of } from '../headers.ts';
import * as problems from '../problems.ts';
import { secretCheck } from '../public/identity.ts';

export interface AdminTokens {
  operator: string;
  /** May look at everything and change nothing. */
  reader: string | undefined;
}

type Role = keyof AdminTokens;

const ROLE = 'role';
const READING = new Set(['GET', 'HEAD']);

/** Whether a text is a token of any role. */
export const knownTokens = ({ operator, reader }: AdminTokens): ((text: string) => boolean) =>
  secretCheck(reader === undefined ? [operator] : [operator, reader]);

/** The bearer token of an Authorization, or the password of Basic credentials; '' where it has neither. */
export function tokenIn(authorization: string): string {
  const [, scheme = '', value = ''] = /^(\w+) +(\S+)$/.exec(authorization) ?? [];
  if (scheme.toLowerCase() === 'bearer') return value;
  if (scheme.toLowerCase() !== 'basic') return '';
  const pair = Buffer.from(value, 'base64').toString();
  const colon = pair.indexOf(':');
  return colon < 0 ? '' : pair.slice(colon + 1);
}

/** Middleware in this order: a token that is none of them is 401, one that may not do this 403. */
export function adminRoles({ operator, reader }: AdminTokens): MiddlewareHandler[] {
  const isOperator = secretCheck([operator]);
  const isReader = reader === undefined ? () => false : secretCheck([reader]);
  const verifyToken = (token: string, c: Context): boolean => {
    const [mayWrite, mayRead] = [isOperator(token), isReader(token)];
    c.set(ROLE, (mayWrite ? 'operator' : 'reader') satisfies Role);
    return mayWrite || mayRead;
  };
  return [
    bearerAuth({ verifyToken, realm: 'sluice-admin' }),
    async (c, next) => {
      if (roleOf(c) === 'operator' || READING.has(c.req.method)) return next();
      return problems.forbidden('ADMIN_READ_TOKEN may only send GET. Send ADMIN_TOKEN to make changes.');
    },
  ];
}

const roleOf = (c: Context): Role => c.get(ROLE) as Role;

export const ACTOR_EXPECTED = 'takes 1 to 64 letters, digits and _ . @ - and space, in UTF-8';

/** Whether the audit log takes this header's value as a name. */
export const isActor = (sent: string): boolean => /^[\p{L}\p{M}\p{N}_.@ -]{1,64}$/u.test(utf8Of(sent) ?? '');

/** Who changes something, for the audit log: the role, and the name that the operator gives, which the route has checked. */
export function actorOf(c: Context): string {
  const sent = c.req.header('x-actor');
  return sent === undefined ? roleOf(c) : `${roleOf(c)}:${utf8Of(sent)}`;
}
