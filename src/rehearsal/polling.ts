// A buyer follows the ticket to its end, at the pace the service asks for.
import { readTicket, type TicketBody } from './answers.ts';
import { backoffMs, type JoiningDeps, sendHomeIfNotAllowed } from './joining.ts';
import { POLL_MS, UNKNOWN_ASKS_MAX } from './limits.ts';
import { isTerminal, type Log, type Sighting } from './log.ts';

/**
 * Polls `joined.ticket` until it is issued, failed or cancelled, until `deadlineMs` (monotonic), or until the service
 * has disowned it {@link UNKNOWN_ASKS_MAX} times. Logs each status that differs from the last, and gives the last one. The
 * last poll falls on the deadline.
 */
export async function followTicket(
  deps: JoiningDeps,
  buyer: { user: string; joined: TicketBody; deadlineMs: number },
): Promise<string> {
  const { user, joined, deadlineMs } = buyer;
  const path = `/v1/tickets/${joined.ticket}`;
  let status = sight(deps, user, joined, undefined);
  let waitMs = joined.pollAfterMs ?? POLL_MS;
  let missed = 0;
  let disowned = 0;
  while (!isTerminal(status) && disowned < UNKNOWN_ASKS_MAX) {
    const leftMs = deadlineMs - deps.clock();
    if (leftMs <= 0) return status;
    await deps.pauses.sleep(Math.min(waitMs, leftMs));
    if (deps.pauses.stopped) return status;
    const result = await deps.http.request({ method: 'GET', path, headers: deps.identity.headersOf(user) });
    sendHomeIfNotAllowed(deps, result);
    deps.log.pollCount += 1;
    const answer = result.kind === 'answer' ? result : undefined;
    const ticket = answer?.status === 200 ? readTicket(answer.body) : undefined;
    if (ticket !== undefined) {
      status = sight(deps, user, ticket, status);
      waitMs = ticket.pollAfterMs ?? POLL_MS;
      missed = 0;
      continue;
    }
    if (answer?.status === 404) {
      disowned += 1;
      status = sight(deps, user, { ...joined, status: 'not-found' }, status);
    } else if (answer?.status !== 429) deps.log.pollUnknownCount += 1;
    waitMs = answer?.retryAfterMs ?? backoffMs(missed, deps.chance);
    missed += 1;
  }
  return status;
}

function sight(deps: { log: Log; clock: () => number }, user: string, ticket: TicketBody, last?: string): string {
  if (ticket.status === last) return last;
  const sighting: Sighting = { user, ticket: ticket.ticket, status: ticket.status, seenMs: deps.clock() };
  if (ticket.code !== undefined) sighting.code = ticket.code;
  if (ticket.unit !== undefined) sighting.unit = ticket.unit;
  deps.log.sightings.push(sighting);
  if (ticket.status === 'issued') deps.log.seen.issued += 1;
  return ticket.status;
}
