// Every answer with a 5xx leaves through here, so that none is without a cause in the log and a count.
import type { IncomingMessage } from 'node:http';
import type { ServerError } from '../domain/server-error.ts';
import { faulted } from './problems.ts';
import { reasonOf } from './respond.ts';

type Fetch = (request: Request, env?: object) => Response | Promise<Response>;

/** `fetch`, telling `tell` of every 5xx; an exception that nobody caught is one, too. */
export function tellingServerErrors(
  fetch: Fetch,
  listener: ServerError['listener'],
  tell: (error: ServerError) => void,
): { fetch: Fetch } {
  const look = (response: Response, env: object | undefined): Response => {
    if (response.status < 500) return response;
    const { kind = 'other', cause = 'the handler answered without giving a reason' } = reasonOf(response) ?? {};
    tell({ kind, status: response.status, listener, at: whereOf(env), cause });
    return response;
  };
  return {
    fetch(request, env) {
      try {
        const answer = fetch(request, env);
        if (!(answer instanceof Promise)) return look(answer, env);
        return answer.then(
          (response) => look(response, env),
          (error: unknown) => look(faulted(error), env),
        );
      } catch (error) {
        return look(faulted(error), env);
      }
    },
  };
}

/** `POST /v1/campaigns`: what follows names campaigns, users or tickets. */
function whereOf(env: object | undefined): string {
  const { method = '', url = '' } = (env as { incoming?: IncomingMessage } | undefined)?.incoming ?? {};
  return `${method} ${/^(?:\/[a-z0-9.-]{1,20}){0,2}/.exec(url)![0]}`.trim();
}
