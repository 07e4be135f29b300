// Responses of the hot paths are built whole: a middleware that adds headers afterwards costs a fifth of a request.
import type { ServerErrorKind } from '../domain/server-error.ts';
import { SECURE_HEADERS } from '../listener/bare-answers.ts';

export { SECURE_HEADERS };

const JSON_HEADERS = { ...SECURE_HEADERS, 'content-type': 'application/json' };
const PROBLEM_HEADERS = { ...SECURE_HEADERS, 'content-type': 'application/problem+json' };

/** A JSON answer with the secure headers; `headers` wins where both name one. */
export const json = (status: number, body: unknown, headers?: Record<string, string>): Response =>
  jsonText(status, JSON.stringify(body), headers);

/** The same for a body that is JSON already. */
export function jsonText(status: number, text: string, headers?: Record<string, string>): Response {
  return new Response(text, {
    status,
    headers: headers ? { ...JSON_HEADERS, ...headers } : JSON_HEADERS,
  });
}

/** An RFC 9457 problem. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail?: string;
  [extension: string]: unknown;
}

export function problem(body: Problem, headers?: Record<string, string>): Response {
  const response = problemText(body.status, JSON.stringify(body), headers);
  if (body.status < 500) return response;
  types.set(response, body.type);
  return because('other', body.detail ?? body.title, response);
}

/** The same for a body that is JSON already. */
export function problemText(status: number, text: string, headers?: Record<string, string>): Response {
  return new Response(text, { status, headers: headers ? { ...PROBLEM_HEADERS, ...headers } : PROBLEM_HEADERS });
}

/** What a 5xx was for us, until its answer has left, and the type of its problem. */
const reasons = new WeakMap<Response, { kind: ServerErrorKind; cause: unknown }>();
const types = new WeakMap<Response, string>();

/** `response`, and why there is such an answer: for the log and the metric, never for the client. */
export function because(kind: ServerErrorKind, cause: unknown, response: Response): Response {
  reasons.set(response, { kind, cause });
  return response;
}

/** The same for a problem whose body was written beforehand. */
export function becauseOf(kind: ServerErrorKind, cause: unknown, type: string, response: Response): Response {
  types.set(response, type);
  return because(kind, cause, response);
}

export const reasonOf = (response: Response): { kind: ServerErrorKind; cause: unknown } | undefined =>
  reasons.get(response);

/** The type of a problem with a 5xx; '' for an answer that is none. */
export const problemTypeOf = (response: Response): string => types.get(response) ?? '';

/** Answers to what no honest client sends often: guesses, wrong tokens, what was answered before, requests beyond a quota. */
const misuses = new WeakSet<Response>();

/** `response` to a request that its client should not have sent; the refusals of a sale are no such. */
export function misuse(response: Response): Response {
  misuses.add(response);
  return response;
}

export const isMisuse = (response: Response): boolean => misuses.has(response);

/** Whole seconds for `Retry-After`: at least `waitMs`, spread up to twice that, so that a crowd does not come back at once. */
export function retryAfter(waitMs: number): Record<string, string> {
  const least = Math.max(1, Math.ceil(waitMs / 1_000));
  return { 'retry-after': String(least + Math.floor((least + 1) * Math.random())) };
}
