// Before a load: can these generator processes hold its rate? Says so before the service gets a single request.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { peakOf } from '../../k6/shapes/scaled.ts';
import type { Act, Shape } from '../../k6/shapes/shape.ts';
import type { Generators } from './generators.ts';

export interface Trial {
  /** Requests/s that the shape needs at its peak, about. */
  neededPerSecond: number;
  heldPerSecond: number;
  /** p99 from due to answered, of a server that answers at once, ms. */
  p99Ms: number;
  isHeld: boolean;
}

const TRIAL_SECONDS = 1;
/** Of the rate that is due; the rest is the second's two ends. */
const HELD_SHARE = 0.9;
/** A generator that is this late by itself would hide what the service does: the bars of joins are at 300 and 800 ms. */
const LATE_MS = 100;
/** Requests of a buyer besides the join: a page, the join again, two polls, a give-back, a look at it. */
const REQUESTS: Record<Act, number> = { join: 1, poll: 1, journey: 7 };

/** Whether a generator that sends so late, ms at p99, spoils what it measures. */
export const isLate = (p99Ms: number): boolean => p99Ms > LATE_MS;

/** Requests/s of a shape at its peak: every buyer who follows asks about twice more. */
export function neededPerSecond(shape: Shape): number {
  const each = (act: Act) => REQUESTS[act] + (act === 'join' ? 2 * shape.followShare : 0);
  return shape.arrivals.reduce((sum, arrivals) => sum + peakOf(arrivals) * each(arrivals.act), 0);
}

/** Sends the shape's rate for a second to a server in this process. Throws `CannotRun` when a generator ends. */
export async function tryRate(generators: Generators, shape: Shape): Promise<Trial> {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(202, { 'content-type': 'application/json' }).end('{}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const needed = neededPerSecond(shape);
  try {
    const perSecond = needed / generators.count;
    const trials = await generators.work<'hold'>(() => ({ do: 'hold', url, perSecond, seconds: TRIAL_SECONDS }));
    const heldPerSecond = trials.reduce((sum, { holding }) => sum + holding.heldPerSecond, 0);
    const p99Ms = Math.max(...trials.map(({ holding }) => holding.p99Ms));
    // At a few requests a second the second's ends are most of it.
    const isHeld = heldPerSecond >= Math.floor(needed * HELD_SHARE) && !isLate(p99Ms);
    return { neededPerSecond: needed, heldPerSecond, p99Ms, isHeld };
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
