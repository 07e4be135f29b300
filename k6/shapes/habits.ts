// What buyer n of a shape does: the same buyer for k6 and for the generator of `npm run load`.
import type { Shape } from './shape.ts';

/** Steps of this length spread over 0 to 1 without clusters, however many there are. */
const GOLDEN = 0.618_033_988_749_895;

/** Whether buyer `n` follows the ticket to its end. */
export const follows = ({ followShare }: Pick<Shape, 'followShare'>, n: number): boolean =>
  (n * GOLDEN) % 1 < followShare;

/** Whether buyer `n` of a `browser` crowd reads an event stream; the others long-poll. */
const streams = (n: number): boolean => n % 2 === 0;

/** Whether buyer `n` of a journey gives the ticket back. */
export const givesBack = (n: number): boolean => n % 2 === 0;

/** The headers of a request that waits for a change: an event stream, or a long-poll of this many seconds. */
export const waitHeaders = (n: number): Record<string, string> =>
  streams(n) ? { accept: 'text/event-stream' } : { prefer: 'wait=25' };
