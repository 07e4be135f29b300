// Every answer of a listener is counted by its route and outcome: refusals that a sale means to say apart from faults.
import type { IncomingMessage } from 'node:http';
import { isRefusal, serverErrorTypeOf } from '../domain/server-error.ts';
import type { Answered } from '../telemetry/http-metrics.ts';
import { problemTypeOf, reasonOf } from './respond.ts';

type Fetch = (request: Request, env?: object) => Response | Promise<Response>;

/** Takes an answer and the seconds until it was there. */
export type CountAnswer = (answered: Answered, seconds: number) => void;

/** `fetch`, which never rejects, with its answers counted. */
export function countingAnswers(fetch: Fetch, listener: 'public' | 'admin', count: CountAnswer): { fetch: Fetch } {
  const look = (response: Response, env: object | undefined, startedAt: number): Response => {
    const { method = '', url = '' } = (env as { incoming?: IncomingMessage } | undefined)?.incoming ?? {};
    const { status } = response;
    const answered = {
      method: METHODS.has(method) ? method : '_OTHER',
      route: listener === 'admin' ? '/admin' : routeOf(url),
      status,
      outcome: outcomeOf(response),
      problem: status < 500 ? undefined : serverErrorTypeOf(problemTypeOf(response)),
    };
    count(answered, (performance.now() - startedAt) / 1_000);
    return response;
  };
  return {
    fetch(request, env) {
      const startedAt = performance.now();
      const answer = fetch(request, env);
      if (!(answer instanceof Promise)) return look(answer, env, startedAt);
      return answer.then((response) => look(response, env, startedAt));
    },
  };
}

/** Those that a route takes; as the semantic conventions have it, all others are one. */
const METHODS = new Set(['GET', 'POST', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS']);

/** The template of a path of the public listener: what is in it names campaigns and tickets. */
function routeOf(url: string): string {
  if (url.startsWith('/v1/tickets/')) return '/v1/tickets/{ticket}';
  if (!url.startsWith('/v1/campaigns/')) return 'other';
  // Nearly all are joins without a query.
  if (url.endsWith('/tickets') && !url.includes('?')) return '/v1/campaigns/{id}/tickets';
  return /^[^?]*\/tickets(?:\?|$)/.test(url) ? '/v1/campaigns/{id}/tickets' : '/v1/campaigns/{id}';
}

/** The statuses with which a sale refuses buyers: sold out, not open, over, too early, too often. */
const REFUSALS: ReadonlySet<number> = new Set([409, 410, 429]);

function outcomeOf(response: Response): Answered['outcome'] {
  const { status } = response;
  if (status < 400) return 'ok';
  if (status < 500) return REFUSALS.has(status) ? 'refused' : 'invalid';
  const reason = reasonOf(response);
  return reason !== undefined && isRefusal(reason.kind) ? 'refused' : 'fault';
}
