// /admin/campaigns/{id}/archive and …/purge, and /admin/users/erase: what leaves the stores. Each shows first what would go.
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { EndObstacle, EndReport } from '../../domain/campaign-end.ts';
import { Fault } from '../../domain/fault.ts';
import { isUserId, USER_ID_RULE, USER_ID_SCHEMAS } from '../../domain/ids.ts';
import { limits } from '../../process/limits.ts';
import { campaignId, jsonAnswer, type problemAnswer } from '../public/schemas.ts';
import { actorHeader } from './schemas.ts';

/** What ends campaigns and erases buyers, see composition/ending.ts. Everything throws a Fault. */
export interface Ending {
  report: (campaign: string, wanted: 'archive' | 'purge') => Promise<EndReport>;
  /** Undefined when it is archived. */
  archive: (campaign: string, actor: string) => Promise<EndObstacle | undefined>;
  purge: (campaign: string, actor: string) => Promise<EndObstacle | undefined>;
  /** False when rows are left after `ms`; a worker deletes them. */
  deleteRows: (campaign: string, ms: number) => Promise<boolean>;
  findUser: (user: string) => Promise<Erasure>;
  eraseUser: (user: string, actor: string) => Promise<Erasure>;
}

/** Ids of campaigns: those in which the buyer is erased, and those in which that waits until they are archived. */
interface Erasure {
  erased: string[];
  later: string[];
}

export interface EndingRouteDeps {
  ending: Ending;
  changed: Record<400 | 401 | 403 | 404 | 409 | 413 | 415 | 422 | 500 | 503, ReturnType<typeof problemAnswer>>;
  refused: Record<400 | 401 | 403 | 413 | 415 | 422 | 500 | 503, ReturnType<typeof problemAnswer>>;
  actor: (c: Context) => string;
}

const OBSTACLES: Record<EndObstacle, string> = {
  draft: 'the campaign has no gate yet',
  'not-drained':
    'the campaign has not ended, or has tickets that are not issued yet; a worker notices the end within a minute',
  'dead-letters': 'dead letters of the campaign wait for an operator; redrive or discard them first',
  returns: 'units that were given back have not reached the gate yet; a worker returns them within seconds',
  retries: 'the retry queue has tickets of the campaign',
  gate: 'a worker is recovering the gate, or the gate has a ticket that is not issued yet; try again in a minute',
  'not-archived': 'the campaign is not archived; archive it first',
};

const dryRun = z.boolean().default(false).openapi({ description: 'Only say what would go' });
const params = z.object({ id: campaignId });
const body = z.strictObject({ dryRun }).openapi('EndCampaign');
const report = z
  .object({
    campaign: campaignId,
    dryRun: z.boolean(),
    obstacle: z.string().nullable().openapi({ description: 'Why it cannot be done now; null when it can, or is done' }),
    keys: z.int().openapi({ description: 'Keys of the campaign in Redis that go' }),
    rows: z
      .record(z.string(), z.int())
      .openapi({ description: 'Rows in the ledger that go, by table; a worker deletes what this call does not' }),
  })
  .openapi('CampaignEnd');

const eraseBody = z
  .strictObject({
    user: z.string().refine(isUserId, `takes ${USER_ID_RULE}`).openapi({ anyOf: USER_ID_SCHEMAS, example: 'ann' }),
    dryRun,
  })
  .openapi('EraseUser');
const erasure = z
  .object({
    dryRun: z.boolean(),
    erased: z.array(campaignId).openapi({ description: 'Archived campaigns in which the id was replaced' }),
    later: z.array(campaignId).openapi({
      description: 'Campaigns that need the id until they are archived, because they sell one unit to a user',
    }),
  })
  .openapi('Erasure');

const HELP = {
  archive: 'Archive a campaign that is over: its keys leave Redis, and its tickets are answered from the ledger',
  purge: 'Delete the tickets of an archived campaign from the ledger permanently',
};

export function endingRoutes(app: OpenAPIHono, { ending, changed, refused, actor }: EndingRouteDeps): void {
  async function end(wanted: 'archive' | 'purge', id: string, isDry: boolean, who: string): Promise<EndReport> {
    const before = await ending.report(id, wanted);
    if (isDry) return before;
    const obstacle = await ending[wanted](id, who);
    if (obstacle !== undefined) throw new Fault('conflict', `Not done: ${OBSTACLES[obstacle]}`);
    if (wanted === 'purge') await ending.deleteRows(id, limits.endCallMs);
    return { ...before, dryRun: false, obstacle: null };
  }
  const told = (found: EndReport): z.infer<typeof report> => ({
    ...found,
    obstacle: found.obstacle && OBSTACLES[found.obstacle],
  });
  for (const wanted of ['archive', 'purge'] as const) {
    app.openapi(
      createRoute({
        method: 'post',
        path: `/admin/campaigns/{id}/${wanted}`,
        summary: HELP[wanted],
        request: {
          params,
          headers: actorHeader,
          body: { required: true, content: { 'application/json': { schema: body } } },
        },
        responses: { ...changed, 200: jsonAnswer('What went, or would go', report) },
      }),
      async (c) => {
        const { id } = c.req.valid('param') as { id: string };
        return c.json(told(await end(wanted, id, c.req.valid('json').dryRun, actor(c))), 200);
      },
    );
  }
  app.openapi(
    createRoute({
      method: 'post',
      path: '/admin/users/erase',
      summary: "Replace a buyer's id by a pseudonym in ledger, dead letters and audit log, in campaigns that are over",
      request: {
        headers: actorHeader,
        body: { required: true, content: { 'application/json': { schema: eraseBody } } },
      },
      responses: { ...refused, 200: jsonAnswer('The campaigns, by when the id is erased in them', erasure) },
    }),
    async (c) => {
      const { user, dryRun: isDry } = c.req.valid('json');
      const found = await (isDry ? ending.findUser(user) : ending.eraseUser(user, actor(c)));
      return c.json({ dryRun: isDry, ...found }, 200);
    },
  );
}
