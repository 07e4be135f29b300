// Wrong tokens on the admin listener: told, and answered slowly, so that to guess takes long and does not go unseen. A
// right token never waits: an operator must get in while somebody guesses.
import type { MiddlewareHandler } from 'hono';
import { pause } from '../../process/lifecycle.ts';
import { limits } from '../../process/limits.ts';
import * as problems from '../problems.ts';

const QUOTA = { name: 'wrong-admin-tokens', count: limits.adminRefusalsWaitingMax, windowSeconds: 1 };

/** Middleware in front of all others. `tell` hears of each wrong token; of none that was not sent, which browsers do first. */
export function slowRefusals(tell: () => void): MiddlewareHandler {
  let waitingCount = 0;
  return async (c, next) => {
    await next();
    if (c.res.status !== 401 || c.req.header('authorization') === undefined) return;
    tell();
    if (waitingCount >= limits.adminRefusalsWaitingMax) {
      c.res = undefined;
      c.res = problems.tooMany(limits.adminRefusalMs, QUOTA);
      return;
    }
    waitingCount += 1;
    await pause(limits.adminRefusalMs);
    waitingCount -= 1;
  };
}
