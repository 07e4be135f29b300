// One join of one buyer, asked again as a real client would until it has a final answer.
import { fieldsOf, isNotAllowed, readJoinAnswer, type TicketBody } from './answers.ts';
import type { HttpClient, HttpResult } from './http-client.ts';
import type { BuyerIdentity } from './identity.ts';
import { BACKOFF_FIRST_MS, BACKOFF_MAX_MS, UNKNOWN_ASKS_MAX } from './limits.ts';
import { isFinal, type JoinKind, type Log } from './log.ts';
import type { Chance, MonotonicClock, Pauses } from './time.ts';

export interface JoiningDeps {
  http: HttpClient;
  log: Log;
  clock: MonotonicClock;
  pauses: Pauses;
  chance: Chance;
  identity: BuyerIdentity;
}

export interface Join {
  campaign: string;
  user: string;
  /** Monotonic ms at which this request is due. */
  intendedMs: number;
  /** Monotonic ms after which the buyer gives up. */
  deadlineMs: number;
  repeat: boolean;
}

/**
 * Sends the join and logs every answer. Gives the ticket, or undefined after a refusal that is final, after
 * {@link UNKNOWN_ASKS_MAX} more asks that brought nothing, at the deadline, or when stopped. `Retry-After` is honoured.
 */
export async function joinCampaign(deps: JoiningDeps, join: Join): Promise<TicketBody | undefined> {
  const path = `/v1/campaigns/${join.campaign}/tickets`;
  let { intendedMs } = join;
  let unknownCount = 0;
  for (let asked = 0; ; asked += 1) {
    let sentMs = deps.clock();
    const onSend = () => {
      sentMs = deps.clock();
    };
    const result = await deps.http.request({
      method: 'POST',
      path,
      headers: deps.identity.headersOf(join.user),
      onSend,
    });
    sendHomeIfNotAllowed(deps, result);
    const answer = readJoinAnswer(result);
    record(deps, { ...join, intendedMs }, sentMs, answer);
    if (isFinal(answer.kind)) return answer.ticket;
    if (answer.kind === 'unknown') unknownCount += 1;
    const told = result.kind === 'answer' ? result.retryAfterMs : undefined;
    const waitMs = told ?? backoffMs(asked, deps.chance);
    intendedMs = deps.clock() + waitMs;
    if (unknownCount > UNKNOWN_ASKS_MAX || intendedMs > join.deadlineMs) return undefined;
    await deps.pauses.sleep(waitMs);
    if (deps.pauses.stopped) return undefined;
  }
}

/** A crowd that is not let in goes home at once: each of its requests would only be refused again. */
export function sendHomeIfNotAllowed(deps: Pick<JoiningDeps, 'log' | 'pauses'>, result: HttpResult): void {
  if (result.kind !== 'answer' || !isNotAllowed(result.status)) return;
  const { title, detail } = fieldsOf(result.body);
  const words = [title, detail].filter((text) => typeof text === 'string').join(': ');
  deps.log.notAllowed ??= `${result.status}${words === '' ? '' : ` ${words}`}`;
  deps.pauses.stop();
}

/** Wait before ask `asked` + 2, in ms: doubled each time and capped, with full jitter. */
export function backoffMs(asked: number, chance: Chance): number {
  return chance() * Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** asked);
}

function record(
  deps: JoiningDeps,
  join: Join,
  sentMs: number,
  answer: { kind: JoinKind; status: number; ticket?: TicketBody },
): void {
  const { user, intendedMs, repeat } = join;
  const { kind, status, ticket } = answer;
  const seen = ticket === undefined ? {} : { ticket: ticket.ticket, seq: ticket.seq };
  deps.log.joins.push({ user, kind, status, intendedMs, sentMs, answeredMs: deps.clock(), repeat, ...seen });
  if (kind === 'accepted') deps.log.seen.accepted += 1;
}
