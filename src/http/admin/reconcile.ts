// /admin/campaigns/{id}/reconcile: what the stores say of one campaign, compared; and the gate built anew from the ledger.
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { Fault } from '../../domain/fault.ts';
import type { TopicLag } from '../../domain/service-status.ts';
import { noSuchCampaign } from '../errors.ts';
import { campaignId, jsonAnswer, type problemAnswer } from '../public/schemas.ts';
import { actorHeader, topicLag } from './schemas.ts';

/** What a comparison found: `counts` by kind, and examples of each. */
export interface Reconciliation {
  campaign: string;
  counts: Record<string, number>;
  examples: { kind: string; unit?: number; epoch?: number; seq?: number; detail?: string }[];
}

export interface ReconcileDeps {
  /** Undefined when the ledger has no such campaign. */
  look: (campaign: string) => Promise<Reconciliation | undefined>;
  /** Builds the gate anew; false when it was not built here: somebody else is at it, or it must not be done. */
  repair: (campaign: string, actor: string) => Promise<boolean>;
  /** Undefined where no Kafka carries tickets. Never rejects. */
  readTopicLag?: (() => Promise<TopicLag>) | undefined;
}

const report = z
  .object({
    campaign: campaignId,
    counts: z
      .record(z.string(), z.int())
      .openapi({ description: 'Number of differences by kind; empty when the stores agree' }),
    examples: z.array(
      z.object({
        kind: z.string(),
        unit: z.int().optional(),
        epoch: z.int().optional(),
        seq: z.int().optional(),
        detail: z.string().optional(),
      }),
    ),
    kafka: topicLag.optional(),
  })
  .openapi('Reconciliation');

const NOT_REBUILT =
  'This call did not rebuild the gate: a worker is recovering it, the campaign has no gate yet or is archived, or Redis lacks its replica. Look again in a moment';

const params = z.object({ id: campaignId });
const PATH = '/admin/campaigns/{id}/reconcile';

export interface ReconcileRouteDeps {
  reconcile: ReconcileDeps;
  changed: Record<400 | 401 | 404 | 409 | 413 | 415 | 422 | 503, ReturnType<typeof problemAnswer>>;
  actor: (c: Context) => string;
}

export function reconcileRoutes(app: OpenAPIHono, { reconcile, changed, actor }: ReconcileRouteDeps): void {
  const lookAt = async (id: string): Promise<Reconciliation & { kafka?: TopicLag }> => {
    const [found, kafka] = await Promise.all([reconcile.look(id), reconcile.readTopicLag?.()]);
    if (found === undefined) throw noSuchCampaign();
    return kafka === undefined ? found : { ...found, kafka };
  };
  app.openapi(
    createRoute({
      method: 'get',
      path: PATH,
      summary: 'Compare what gate, streams, retry queue and ledger say about a campaign',
      request: { params },
      responses: { ...changed, 200: jsonAnswer('The differences that two comparisons in a row found', report) },
    }),
    async (c) => c.json(await lookAt(c.req.valid('param').id), 200),
  );
  app.openapi(
    createRoute({
      method: 'post',
      path: PATH,
      summary:
        'Rebuild the gate from the ledger. For RECOVERY_GRACE_MS only buyers whose tickets Redis lost can join; they get their places back when they poll',
      request: { params, headers: actorHeader },
      responses: { ...changed, 200: jsonAnswer('The differences that are left', report) },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const isRebuilt = await reconcile.repair(id, actor(c));
      const left = await lookAt(id);
      if (!isRebuilt) throw new Fault('conflict', NOT_REBUILT);
      return c.json(left, 200);
    },
  );
}
