// /admin/dead-letters: looking at what was given up, putting it back, giving it up for good.
import { createRoute, type OpenAPIHono, type z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { LetterDesk } from '../../desk/letter-desk.ts';
import { type AutoRedrivePolicy, autoRedriveAt } from '../../domain/auto-redrive.ts';
import type { StoredDeadLetter } from '../../domain/dead-letter.ts';
import { Fault } from '../../domain/fault.ts';
import * as problems from '../problems.ts';
import { isoTime } from '../public/campaigns.ts';
import { jsonAnswer, type problemAnswer } from '../public/schemas.ts';
import {
  choiceBody,
  type deadLetter,
  deadLetterDetails,
  letterPage,
  letterParams,
  letterQuery,
  letterWork,
} from './letter-schemas.ts';
import { actorHeader } from './schemas.ts';

export interface LetterRouteDeps {
  letters: LetterDesk;
  /** Answers that every admin route may give. */
  refused: Record<400 | 401 | 413 | 415 | 422 | 503, ReturnType<typeof problemAnswer>>;
  noSuch: ReturnType<typeof problemAnswer>;
  actor: (c: Context) => string;
  /** When letters are redriven without an operator. */
  autoRedrive: readonly AutoRedrivePolicy[];
}

const PATH = '/admin/dead-letters';

export function letterRoutes(app: OpenAPIHono, deps: LetterRouteDeps): void {
  const { refused, noSuch, actor, autoRedrive } = deps;
  const presented = (letter: StoredDeadLetter) => present(letter, autoRedrive);
  app.openapi(
    createRoute({
      method: 'get',
      path: PATH,
      summary: 'List dead letters, oldest first, with counts by reason',
      request: { query: letterQuery },
      responses: { ...refused, 200: jsonAnswer('One page of dead letters', letterPage) },
    }),
    async (c) => {
      const { campaign, state, after, limit } = c.req.valid('query');
      const of = { ...(campaign !== undefined && { campaign }), ...(state !== undefined && { state }) };
      const found = await deps.letters.list({ ...of, after, limit });
      const summary = after === 0 ? await deps.letters.countByReason(of) : [];
      return c.json({ deadLetters: found.map(presented), summary }, 200);
    },
  );
  for (const verb of ['redrive', 'discard'] as const) {
    app.openapi(
      createRoute({
        method: 'post',
        path: `${PATH}/${verb}`,
        summary:
          verb === 'redrive'
            ? "Retry a campaign's dead letters: all of them, those with the reason, or the ones listed"
            : "Give up a campaign's dead letters permanently; their units are sold again",
        request: {
          headers: actorHeader,
          body: { required: true, content: { 'application/json': { schema: choiceBody } } },
        },
        responses: { ...refused, 200: jsonAnswer('The dead letters that were handled, skipped and left', letterWork) },
      }),
      async (c) => c.json(await deps.letters[verb](c.req.valid('json'), actor(c)), 200),
    );
    // Before the route of one letter, which would take the verb for an id.
    app.all(`${PATH}/${verb}`, () => problems.methodNotAllowed(['POST']));
  }
  app.openapi(
    createRoute({
      method: 'get',
      path: `${PATH}/{id}`,
      summary: 'Show one dead letter with everything the ledger holds about it',
      request: { params: letterParams },
      responses: { ...refused, 200: jsonAnswer('The dead letter', deadLetterDetails), 404: noSuch },
    }),
    async (c) => {
      const found = await deps.letters.find(c.req.valid('param').id);
      if (found === undefined) throw new Fault('not-found', 'There is no such dead letter');
      return c.json({ ...presented(found), detail: found.detail, raw: found.raw }, 200);
    },
  );
}

function present(letter: StoredDeadLetter, policies: readonly AutoRedrivePolicy[]): z.infer<typeof deadLetter> {
  const { id, campaign, state, reason, seq, epoch, unit, user, attempts, redriveCount, traceId } = letter;
  const times = { admittedAt: isoTime(letter.admittedAt), createdAt: new Date(letter.createdAt).toISOString() };
  const autoAt = { autoRedriveAt: isoTime(autoRedriveAt(policies, letter) ?? null) };
  return { id, campaign, state, reason, seq, epoch, unit, user, attempts, redriveCount, traceId, ...times, ...autoAt };
}
