// Every answer with a 5xx leaves through here, so that none is without a cause in the log and a count.
import type { IncomingMessage } from 'node:http';
import type { ServerError } from '../domain/server-error.ts';
import { createFaultTraces } from '../telemetry/answer-trace.ts';
import { faulted } from './problems.ts';
import { reasonOf } from './respond.ts';

type Fetch = (request: Request, env?: object) => Response | Promise<Response>;

/** `fetch`, telling `tell` of every 5xx, in its trace; an exception that nobody caught is one, too. */
export function tellingServerErrors(
  fetch: Fetch,
  listener: ServerError['listener'],
  tell: (error: ServerError) => void,
): { fetch: Fetch } {
  const tellInTrace = createFaultTraces();
  const look = (response: Response, env: object | undefined, startedAt: number): Response => {
    if (response.status < 500) return response;
    const { kind = 'other', cause = 'the handler answered without giving a reason' } = reasonOf(response) ?? {};
    const error = { kind, status: response.status, listener, at: whereOf(env), cause };
    tellInTrace(response, error, startedAt, () => tell(error));
    return response;
  };
  return {
    fetch(request, env) {
      const startedAt = performance.now();
      try {
        const answer = fetch(request, env);
        if (!(answer instanceof Promise)) return look(answer, env, startedAt);
        return answer.then(
          (response) => look(response, env, startedAt),
          (error: unknown) => look(faulted(error), env, startedAt),
        );
      } catch (error) {
        return look(faulted(error), env, startedAt);
      }
    },
  };
}

/** `POST /v1/campaigns`: what follows names campaigns, users or tickets. */
function whereOf(env: object | undefined): string {
  const { method = '', url = '' } = (env as { incoming?: IncomingMessage } | undefined)?.incoming ?? {};
  return `${method} ${/^(?:\/[a-z0-9.-]{1,20}){0,2}/.exec(url)![0]}`.trim();
}
