// The admin listener's application: campaigns are made and changed here, behind a bearer token.
import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi';
import type { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { Campaigns } from '../../admission/campaigns.ts';
import type { CampaignDesk } from '../../desk/campaign-desk.ts';
import type { CampaignList } from '../../desk/campaign-list.ts';
import type { LetterDesk } from '../../desk/letter-desk.ts';
import type { ReadStatus } from '../../desk/service-status.ts';
import type { AutoRedrivePolicy } from '../../domain/auto-redrive.ts';
import { hasGate } from '../../domain/campaign-life.ts';
import { limits } from '../../process/limits.ts';
import { serversOf } from '../declare.ts';
import { answerTheRest, invalid, noSuchCampaign, requireJson } from '../errors.ts';
import { documentRoute } from '../openapi-document.ts';
import { campaignId, jsonAnswer, problemAnswer } from '../public/schemas.ts';
import { json } from '../respond.ts';
import { boardRoute } from './board.ts';
import { campaignListRoute, present } from './campaign-list.ts';
import { type Ending, endingRoutes } from './endings.ts';
import { letterRoutes } from './letters.ts';
import { type ReconcileDeps, reconcileRoutes } from './reconcile.ts';
import { slowRefusals } from './refusals.ts';
import { type AdminTokens, actorOf, adminRoles } from './roles.ts';
import {
  actorHeader,
  adminCampaign,
  campaignSummary,
  changeBody,
  createBody,
  creationCheck,
  stockAdded,
  stockBody,
} from './schemas.ts';
import { statusRoute } from './status.ts';

export interface AdminDeps {
  desk: CampaignDesk;
  list: CampaignList;
  campaigns: Campaigns;
  letters: LetterDesk;
  /** When workers redrive dead letters without an operator; never, unless given. */
  autoRedrive?: readonly AutoRedrivePolicy[] | undefined;
  reconcile: ReconcileDeps;
  status: ReadStatus;
  ending: Ending;
  /** The retrier's queue as pages. */
  board?: Hono;
  tokens: AdminTokens;
  /** Hears of each wrong token. */
  onRefused?: (() => void) | undefined;
  /** Where operators reach it, if that is not its own address. */
  adminUrl?: string | undefined;
}

const params = z.object({ id: campaignId });
const createdBefore = z.union([adminCampaign, creationCheck]);
const jsonBody = <S extends z.ZodType>(schema: S) => ({
  required: true,
  content: { 'application/json': { schema } },
});
const refused = {
  400: problemAnswer('The body is not well-formed JSON, or Authorization is not a bearer token'),
  401: problemAnswer('The bearer token is missing or wrong'),
  403: problemAnswer('forbidden: ADMIN_READ_TOKEN may only send GET'),
  413: problemAnswer('The body is larger than 4 KB, or 16 KB for a choice of dead letters'),
  415: problemAnswer('The body is not application/json'),
  422: problemAnswer('The request is not valid; errors names each field that is wrong'),
  500: problemAnswer('A fault in Sluice or in its data; the log of the front has the cause'),
  503: problemAnswer('The outcome is unknown; send the same request again after Retry-After'),
};
const changed = {
  ...refused,
  200: jsonAnswer('The campaign as it is now', adminCampaign),
  404: problemAnswer('No such campaign'),
  409: problemAnswer('The campaign is in a state that does not allow this, or an earlier request contradicts it'),
};

export function createAdmin(deps: AdminDeps): OpenAPIHono {
  const { desk } = deps;
  const app = new OpenAPIHono({
    defaultHook: (result) => (result.success ? undefined : invalid(result.error.issues)),
  });
  app.openAPIRegistry.registerComponent('securitySchemes', 'token', { type: 'http', scheme: 'bearer' });
  if (deps.onRefused !== undefined) {
    const slow = slowRefusals(deps.tokens, deps.onRefused);
    app.use('/admin/*', slow);
    app.use('/openapi.json', slow);
  }
  app.get('/livez', () => json(200, { status: 'up' }));
  if (deps.board !== undefined) boardRoute(app, { board: deps.board, tokens: deps.tokens });
  for (const check of adminRoles(deps.tokens)) {
    app.use('/admin/*', check);
    app.use('/openapi.json', check);
  }
  const info = { title: 'Sluice admin', version: '1' };
  const described = { openapi: '3.1.0', info, security: [{ token: [] }], ...serversOf(deps.adminUrl) };
  documentRoute(app, () => app.getOpenAPI31Document(described), { 'cache-control': 'private, no-cache' });
  app.use('/admin/campaigns/*', bodyLimit({ maxSize: limits.adminBodyBytes }));
  app.use('/admin/users/*', bodyLimit({ maxSize: limits.adminBodyBytes }));
  app.use('/admin/dead-letters/*', bodyLimit({ maxSize: limits.letterBodyBytes }));
  app.use('/admin/*', requireJson);

  app.openapi(
    createRoute({
      method: 'post',
      path: '/admin/campaigns',
      summary: 'Create a campaign',
      request: { headers: actorHeader, body: jsonBody(createBody) },
      responses: {
        ...changed,
        200: jsonAnswer('The campaign as it is now, created before; of a dry run, what would be done', createdBefore),
        201: jsonAnswer('Created', adminCampaign),
      },
    }),
    async (c) => {
      const { dryRun, ...spec } = c.req.valid('json');
      if (dryRun) {
        const exists = await desk.wasCreated(spec, actorOf(c));
        return c.json({ dryRun: true as const, campaign: spec.id, exists }, 200);
      }
      const { created, campaign } = await desk.create(spec, actorOf(c));
      return c.json(present(campaign), created ? 201 : 200);
    },
  );
  campaignListRoute(app, { list: deps.list, refused });
  app.openapi(
    createRoute({
      method: 'get',
      path: '/admin/campaigns/{id}',
      summary: 'Show the settings of a campaign and the progress of its sale',
      request: { params },
      responses: { ...changed, 200: jsonAnswer('The campaign', campaignSummary) },
    }),
    async (c) => {
      const campaign = await desk.get(c.req.valid('param').id);
      if (campaign === undefined) throw noSuchCampaign();
      const { campaign: stored, ...counts } = await desk.summary(campaign);
      const rate = hasGate(campaign) ? ((await deps.campaigns.get(campaign.id))?.drain.perSecond() ?? null) : null;
      return c.json({ ...present(stored), ...counts, drainPerSecond: rate }, 200);
    },
  );
  app.openapi(
    createRoute({
      method: 'patch',
      path: '/admin/campaigns/{id}',
      summary: 'Change settings of a campaign while it runs',
      request: { params, headers: actorHeader, body: jsonBody(changeBody) },
      responses: changed,
    }),
    async (c) => {
      const patch = c.req.valid('json');
      return c.json(present(await desk.change(c.req.valid('param').id, patch, actorOf(c))), 200);
    },
  );
  for (const [verb, state] of [
    ['pause', 'paused'],
    ['resume', 'active'],
    ['close', 'closed'],
  ] as const) {
    app.openapi(
      createRoute({
        method: 'post',
        path: `/admin/campaigns/{id}/${verb}`,
        summary: `${verb[0]!.toUpperCase()}${verb.slice(1)} a campaign`,
        request: { params, headers: actorHeader },
        responses: changed,
      }),
      async (c) =>
        c.json(present(await desk.setState((c.req.valid('param') as { id: string }).id, state, actorOf(c))), 200),
    );
  }
  app.openapi(
    createRoute({
      method: 'post',
      path: '/admin/campaigns/{id}/stock',
      summary: 'Add stock, once for each Idempotency-Key',
      request: {
        params,
        headers: actorHeader.extend({ 'idempotency-key': z.string().regex(/^"?[A-Za-z0-9_-]{1,64}"?$/) }),
        body: jsonBody(stockBody),
      },
      responses: {
        ...changed,
        200: jsonAnswer('The campaign as it is now, and the units that this call added', stockAdded),
      },
    }),
    async (c) => {
      const key = c.req.valid('header')['idempotency-key'].replaceAll('"', '');
      const { id } = c.req.valid('param');
      const { campaign, added } = await desk.addStock(id, c.req.valid('json').add, key, actorOf(c));
      return c.json({ ...present(campaign), added }, 200);
    },
  );
  statusRoute(app, { status: deps.status, refused });
  endingRoutes(app, { ending: deps.ending, changed, refused, actor: actorOf });
  reconcileRoutes(app, { reconcile: deps.reconcile, changed, actor: actorOf });
  const { letters, autoRedrive = [] } = deps;
  letterRoutes(app, { letters, autoRedrive, refused, noSuch: problemAnswer('No such dead letter'), actor: actorOf });
  answerTheRest(app);
  return app;
}
