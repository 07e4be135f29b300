// What is left when no handler answered: wrong paths, wrong methods, bad bodies and whatever was thrown. Never a stack.
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import type { OpenAPIHono, z } from '@hono/zod-openapi';
import type { Context, Next } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { Fault } from '../domain/fault.ts';
import * as problems from './problems.ts';
import { problem } from './respond.ts';

const METHODS = ['GET', 'POST', 'PATCH', 'DELETE'];

export function answerTheRest(app: OpenAPIHono): void {
  app.notFound((c) => {
    const allowed = METHODS.filter((method) =>
      // Middleware is of all methods.
      app.router.match(method, c.req.path)[0].some(([[, route]]) => route.method === method),
    );
    return allowed.length > 0 ? problems.methodNotAllowed(allowed) : problems.notFound();
  });
  app.onError((error, c) => {
    if (isHalfSent(c)) return problems.notUnderstood();
    if (error instanceof HTTPException) return problems.ofStatus(error.status, error.res?.headers);
    return problems.faulted(error);
  });
}

/** Its client left in the middle of the request: whatever that broke is no error of ours, and nobody reads the answer. */
function isHalfSent(c: Context): boolean {
  const incoming = (c.env as { incoming?: IncomingMessage } | undefined)?.incoming;
  return incoming?.destroyed === true && !incoming.complete;
}

/** A 422 that names every field that is wrong. */
export function invalid(issues: readonly z.core.$ZodIssue[]): Response {
  const errors = issues.flatMap((issue) => {
    const { path, message } = issue;
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => ({ field: key, message: 'is not a known field' }));
    return [{ field: path.join('.') || '(body)', message }];
  });
  return problem({ type: 'urn:problem-type:sluice:invalid', title: 'The request is not valid', status: 422, errors });
}

/** A body must say that it is JSON: a form of another site cannot. */
export async function requireJson(c: Context, next: Next): Promise<Response | undefined> {
  const hasBody = c.req.header('content-length') !== undefined || c.req.header('transfer-encoding') !== undefined;
  const type = c.req.header('content-type') ?? '';
  if (hasBody && c.req.header('content-length') !== '0' && !/^application\/json\s*(;|$)/i.test(type)) {
    return problems.ofStatus(415);
  }
  // Decoding would put U+FFFD in place of what is no UTF-8, and keep that.
  if (hasBody && !isUtf8(await c.req.arrayBuffer())) return problems.ofStatus(400);
  await next();
  return undefined;
}

export const noSuchCampaign = (): Fault => new Fault('not-found', 'There is no such campaign');
