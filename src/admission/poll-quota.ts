// How often one ticket may be asked for.
import { spanClock } from '../domain/clock.ts';
import type { HeldTicket } from './held-tickets.ts';

/** Counts a poll; false when this ticket was asked for more than `perSecond` times within a second. 0 is no quota. */
export function mayPoll(held: HeldTicket, perSecond: number): boolean {
  const now = spanClock();
  if (now - held.pollWindowAt >= 1_000) {
    held.pollWindowAt = now;
    held.pollCount = 0;
  }
  held.pollCount += 1;
  return perSecond === 0 || held.pollCount <= perSecond;
}
