// Asks the admin API. What it answers is a value; so is that nobody answered.
import type { Answer, Problem } from './answer.ts';
import type { Request } from './verb.ts';

export interface AdminClient {
  url: string;
  token: string;
  /** Who does it, for the audit log. */
  actor: string;
}

const ANSWER_MS = 10_000;

export async function ask({ url, token, actor }: AdminClient, request: Request): Promise<Answer> {
  const { method, path, body, idempotencyKey } = request;
  const name = actor
    .replaceAll(/[^\w.@ -]/g, '-')
    .slice(0, 64)
    .trim();
  try {
    const response = await fetch(addressOf(url, path), {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(name === '' ? {} : { 'x-actor': name }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      redirect: 'error',
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    return await read(response);
  } catch (error) {
    return unanswered(error);
  }
}

/** All pages of the list in `field`, as one; what the first page says besides its list stands. */
export async function askAll(client: AdminClient, request: Request, field: string): Promise<Answer> {
  const all: { id: string | number }[] = [];
  let first: object | undefined;
  for (let after: string | number | null | undefined; ; ) {
    const path = after === undefined ? request.path : `${request.path}&after=${after}`;
    const answer = await ask(client, { ...request, path });
    if (answer.kind !== 'done') return answer;
    const { [field]: rows, next, ...rest } = answer.body as Record<string, unknown>;
    const page = rows as { id: string | number }[];
    first ??= rest;
    all.push(...page);
    after = next === undefined ? page.at(-1)?.id : (next as string | null);
    if (after === null || page.length === 0) return { ...answer, body: { ...first, [field]: all } };
  }
}

/** Behind a proxy the admin API may have a path of its own, as in https://shop.example/sluice-admin. */
function addressOf(url: string, path: string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname.replace(/\/+$/, '')}${path}`;
}

async function read(response: Response): Promise<Answer> {
  const type = response.headers.get('content-type') ?? '';
  if (!/^application\/(problem\+)?json\b/.test(type)) {
    return { kind: 'unreachable', why: 'the server at that address is not a Sluice admin API', known: true };
  }
  const body: unknown = await response.json();
  if (response.ok) return { kind: 'done', status: response.status, body };
  const problem = body as Problem;
  if (response.status < 500) return { kind: 'refused', status: response.status, problem };
  return { kind: 'unreachable', why: `it answered ${response.status}: ${problem.title}`, known: false };
}

function unanswered(error: unknown): Answer {
  if ((error as Error).name === 'TimeoutError') {
    return { kind: 'unreachable', why: `no answer within ${ANSWER_MS / 1_000} s`, known: false };
  }
  const cause = (error as Error).cause as NodeJS.ErrnoException | undefined;
  const neverArrived = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'];
  const why = cause?.code ?? cause?.message ?? (error as Error).message;
  return { kind: 'unreachable', why, known: neverArrived.includes(cause?.code ?? '') };
}
