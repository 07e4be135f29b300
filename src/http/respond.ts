// Responses of the hot paths are built whole: a middleware that adds headers afterwards costs a fifth of a request.
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

export const problem = (body: Problem, headers?: Record<string, string>): Response =>
  problemText(body.status, JSON.stringify(body), headers);

/** The same for a body that is JSON already. */
export function problemText(status: number, text: string, headers?: Record<string, string>): Response {
  return new Response(text, { status, headers: headers ? { ...PROBLEM_HEADERS, ...headers } : PROBLEM_HEADERS });
}

/** Whole seconds for `Retry-After`: at least `waitMs`, spread up to twice that, so that a crowd does not come back at once. */
export function retryAfter(waitMs: number): Record<string, string> {
  const least = Math.max(1, Math.ceil(waitMs / 1_000));
  return { 'retry-after': String(least + Math.floor((least + 1) * Math.random())) };
}
