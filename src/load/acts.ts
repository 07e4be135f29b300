// What the buyers of a shape do once they are due.
import { follows, givesBack, waitHeaders } from '../../k6/shapes/habits.ts';
import type { Act, Call, Shape } from '../../k6/shapes/shape.ts';
import { readTicket, type TicketBody } from '../rehearsal/answers.ts';
import type { HttpClient } from '../rehearsal/http-client.ts';
import { backoffMs, type JoiningDeps, joinCampaign } from '../rehearsal/joining.ts';
import { isTerminal } from '../rehearsal/log.ts';
import { followTicket } from '../rehearsal/polling.ts';

export interface ActsDeps extends Omit<JoiningDeps, 'http'> {
  /** Of each call, noted under its name; joins are noted by `log`. */
  clients: Record<Call, HttpClient>;
  shape: Shape;
  campaign: string;
  /** Begins the ids of all buyers. */
  seed: string;
  /** Tickets of buyers who joined before, with their users. */
  joinedBefore: readonly { user: string; ticket: string }[];
  /** How long a buyer stays, ms. */
  patienceMs: number;
  seen: Seen;
}

/** What the acts count besides the requests. */
export interface Seen {
  /** From the answer of a join until its buyer read `issued`, ms. */
  heardMs: number[];
  /** Tickets that were issued and given back. */
  givenBackCount: number;
  /** Answers with a declared status and a wrong content, by what was wrong. */
  wrong: Record<string, number>;
}

/** Act of arrival `n`, due at `dueMs` (monotonic). Never rejects. */
export type DoAct = (n: number, dueMs: number) => Promise<void>;

export function createActs(deps: ActsDeps): Record<Act, DoAct> {
  return {
    join: async (n, dueMs) => {
      const buyer = { n, user: `${deps.seed}-${n}`, deadlineMs: dueMs + deps.patienceMs };
      const joined = await join(deps, buyer, dueMs);
      if (joined !== undefined && follows(deps.shape, n)) await follow(deps, buyer, joined);
    },
    poll: async (n) => {
      const { user, ticket } = deps.joinedBefore[n % deps.joinedBefore.length]!;
      await ask(deps, 'poll', { user, path: `/v1/tickets/${ticket}` });
    },
    journey: (n, dueMs) => journey(deps, n, dueMs),
  };
}

interface Buyer {
  n: number;
  user: string;
  deadlineMs: number;
}

const join = (deps: ActsDeps, { user, deadlineMs }: Buyer, dueMs: number, repeat = false) =>
  joinCampaign(
    { ...deps, http: deps.clients.join },
    { campaign: deps.campaign, user, intendedMs: dueMs, deadlineMs, repeat },
  );

async function follow(deps: ActsDeps, buyer: Buyer, joined: TicketBody): Promise<string> {
  const joinedMs = deps.clock();
  const status =
    deps.shape.followBy === 'browser'
      ? await awaitEnd(deps, buyer, joined)
      : await followTicket({ ...deps, http: deps.clients.poll }, { ...buyer, joined });
  if (status === 'issued') deps.seen.heardMs.push(deps.clock() - joinedMs);
  return status;
}

/** As a page does: in a long-poll or an event stream, opened again until the ticket has ended. Gives the last status. */
async function awaitEnd(deps: ActsDeps, { n, user, deadlineMs }: Buyer, joined: TicketBody): Promise<string> {
  let status = joined.status;
  for (let missed = 0; !isTerminal(status) && deps.clock() < deadlineMs && !deps.pauses.stopped; ) {
    const path = `/v1/tickets/${joined.ticket}`;
    const result = await ask(deps, 'wait', { user, path, headers: waitHeaders(n) });
    const ticket = result.kind === 'answer' ? readTicket(result.body) : undefined;
    if (ticket !== undefined) {
      status = ticket.status;
      continue;
    }
    const toldMs = result.kind === 'answer' ? result.retryAfterMs : undefined;
    await deps.pauses.sleep(toldMs ?? backoffMs(missed, deps.chance));
    missed += 1;
  }
  return status;
}

/** Every call of the public API once: the campaign, a join, the same join, polls to the end, half of them a give-back. */
async function journey(deps: ActsDeps, n: number, dueMs: number): Promise<void> {
  const buyer = { n, user: `${deps.seed}-${n}`, deadlineMs: dueMs + deps.patienceMs };
  const { user } = buyer;
  await ask(deps, 'campaign', { user, path: `/v1/campaigns/${deps.campaign}` });
  const joined = await join(deps, buyer, dueMs);
  if (joined === undefined) return;
  const again = await join(deps, buyer, deps.clock(), true);
  if (again?.ticket !== joined.ticket) wrong(deps, 'another ticket for the same buyer');
  if ((await follow(deps, buyer, joined)) !== 'issued' || !givesBack(n)) return;
  const path = `/v1/tickets/${joined.ticket}`;
  const given = await ask(deps, 'give-back', { user, path, method: 'DELETE' });
  if (given.kind !== 'answer' || given.status !== 200) return;
  deps.seen.givenBackCount += 1;
  const last = await ask(deps, 'poll', { user, path });
  if (last.kind === 'answer' && readTicket(last.body)?.status !== 'cancelled')
    wrong(deps, 'a ticket that was given back is not cancelled');
}

function ask(
  deps: ActsDeps,
  call: Call,
  asked: { user: string; path: string; method?: 'DELETE'; headers?: Record<string, string> },
) {
  const { user, path, method = 'GET' } = asked;
  const headers = { ...deps.identity.headersOf(user), ...asked.headers };
  return deps.clients[call].request({ method, path, headers });
}

function wrong({ seen }: ActsDeps, what: string): void {
  seen.wrong[what] = (seen.wrong[what] ?? 0) + 1;
}
