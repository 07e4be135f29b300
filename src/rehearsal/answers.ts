// What an HTTP answer means to a buyer (design §6).
import type { HttpResult } from './http-client.ts';
import type { JoinKind } from './log.ts';

export interface TicketBody {
  ticket: string;
  status: string;
  seq: number;
  pollAfterMs: number | undefined;
  code: string | undefined;
  unit: number | undefined;
}

/** The kind of a join's answer, and the ticket of a 202 or 200. */
export function readJoinAnswer(result: HttpResult): { kind: JoinKind; status: number; ticket?: TicketBody } {
  if (result.kind === 'unknown') return { kind: 'unknown', status: 0 };
  const { status } = result;
  if (status !== 202 && status !== 200) return { kind: refusalKind(status, problemOf(result.body)), status };
  const ticket = readTicket(result.body);
  if (ticket === undefined) return { kind: 'unexpected', status };
  return { kind: status === 202 ? 'accepted' : 'known', status, ticket };
}

/** The ticket of a body, or undefined when a field that a buyer needs is missing. */
export function readTicket(body: unknown): TicketBody | undefined {
  const { ticket, status, seq, pollAfterMs, issuance } = fieldsOf(body);
  if (typeof ticket !== 'string' || typeof status !== 'string' || !Number.isSafeInteger(seq)) return undefined;
  const { code, unit } = fieldsOf(issuance);
  return {
    ticket,
    status,
    seq: seq as number,
    pollAfterMs: typeof pollAfterMs === 'number' ? pollAfterMs : undefined,
    code: typeof code === 'string' ? code : undefined,
    unit: typeof unit === 'number' ? unit : undefined,
  };
}

/** The fields of a JSON object; none when it is not one. */
export function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

/** Says nothing about the promises: the service was not told, or did not believe, who asks. */
export const isNotAllowed = (status: number): boolean => status === 401 || status === 403;

function refusalKind(status: number, problem: string): JoinKind {
  if (status === 409 && problem === 'sold-out') return 'sold-out';
  if (status === 409 && problem === 'campaign-not-open') return 'not-open';
  if (status === 429) return 'throttled';
  if (status === 503 && problem === 'campaign-paused') return 'paused';
  if (status === 503 && problem === 'temporary-reduced-capacity') return 'reduced-capacity';
  if (status === 410) return 'ended';
  if (status === 404) return 'not-found';
  if (isNotAllowed(status)) return 'not-allowed';
  return status >= 500 ? 'unknown' : 'unexpected';
}

/** The last segment of a problem's type URI. */
function problemOf(body: unknown): string {
  const { type } = fieldsOf(body);
  return typeof type === 'string' ? (type.split(/[/#:]/).at(-1) ?? '') : '';
}
