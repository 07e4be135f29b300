// Wrong tokens on the admin listener: told, and answered slowly, so that to guess takes long and does not go unseen. A
// right token never waits: an operator must get in while somebody guesses.
import type { MiddlewareHandler } from 'hono';
import { pause } from '../../process/lifecycle.ts';
import { limits } from '../../process/limits.ts';
import * as problems from '../problems.ts';
import { type AdminTokens, knownTokens, tokenIn } from './roles.ts';

const QUOTA = { name: 'wrong-admin-tokens', count: limits.adminRefusalsWaitingMax, windowSeconds: 1 };

/**
 * Middleware in front of all others that look at the token. `tell` hears of each wrong token; of none that was not sent,
 * which browsers do first.
 */
export function slowRefusals(tokens: AdminTokens, tell: () => void): MiddlewareHandler {
  const isKnown = knownTokens(tokens);
  const max = limits.adminRefusalsWaitingMax;
  const tooMany = () => problems.tooMany(limits.adminRefusalMs, QUOTA);
  let waitingCount = 0;
  return async (c, next) => {
    const sent = c.req.header('authorization');
    if (sent === undefined) return next();
    // Before anything else is done for it: what a guess costs is taken from buyers.
    if (waitingCount >= max && !isKnown(tokenIn(sent))) {
      tell();
      return tooMany();
    }
    await next();
    if (c.res.status !== 401) return undefined;
    tell();
    if (waitingCount >= max) {
      c.res = undefined;
      c.res = tooMany();
      return undefined;
    }
    waitingCount += 1;
    await pause(limits.adminRefusalMs);
    waitingCount -= 1;
    return undefined;
  };
}
