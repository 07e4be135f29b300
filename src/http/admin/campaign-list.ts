// GET /admin/campaigns: the list, filtered and in pages, what needs an operator first.
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import type { CampaignList, ListedCampaign } from '../../desk/campaign-list.ts';
import type { StoredCampaign } from '../../domain/campaign.ts';
import { ATTENTIONS, type Attention, PHASES } from '../../domain/campaign-attention.ts';
import { stageOf } from '../../domain/campaign-life.ts';
import { isCampaignName, NAME_CHARS_MAX, NAME_PATTERN } from '../../domain/campaign-name.ts';
import { mapSettings, SETTINGS } from '../../domain/campaign-settings.ts';
import { limits } from '../../process/limits.ts';
import { isoTime } from '../public/campaigns.ts';
import { jsonAnswer, problemAnswer, wholeNumber } from '../public/schemas.ts';
import { adminCampaign } from './schemas.ts';

const attention = z.enum(Object.keys(ATTENTIONS) as Attention[]);
const phase = z.enum(PHASES);

/** A filter with a typing error must not look like one that lets everything pass. */
const query = z.strictObject({
  state: z.enum(['active', 'paused', 'closed']).optional(),
  phase: phase.optional(),
  attention: attention.optional().openapi({ description: 'Only campaigns that need an operator for this reason' }),
  text: z
    .string()
    .refine(
      (text) => text !== '' && isCampaignName(text),
      `must have 1 to ${NAME_CHARS_MAX} characters, none of them a control character`,
    )
    .optional()
    .openapi({
      description: 'Only campaigns with this text in their id or name, in any case',
      minLength: 1,
      maxLength: NAME_CHARS_MAX,
      pattern: NAME_PATTERN,
    }),
  after: z
    .string()
    .regex(/^[\w-]{1,300}$/, 'must be the field next of an earlier page')
    .optional()
    .openapi({ description: 'The field next of the page before' }),
  limit: wholeNumber(1, limits.campaignsPerPage, 100),
});

const listedCampaign = adminCampaign
  .extend({
    phase,
    attention: attention.nullable().openapi({
      description: `Why the campaign needs an operator. ${Object.entries(ATTENTIONS)
        .map(([name, means]) => `${name}: ${means}`)
        .join('; ')}`,
    }),
    remaining: z.int().nullable().openapi({ description: 'Units for sale; null where the gate was not read' }),
    backlog: z.int().nullable().openapi({ description: 'Tickets that wait; null where the gate was not read' }),
    deadLetters: z.int(),
    oldestWaitMs: z.int().nullable(),
  })
  .openapi('ListedCampaign');

const page = z.object({
  campaigns: z.array(listedCampaign),
  next: z.string().nullable().openapi({ description: 'What after takes for the next page; null behind the last' }),
});

export function campaignListRoute(
  app: OpenAPIHono,
  deps: {
    list: CampaignList;
    refused: Record<400 | 401 | 403 | 413 | 415 | 422 | 500 | 503, ReturnType<typeof problemAnswer>>;
  },
): void {
  app.openapi(
    createRoute({
      method: 'get',
      path: '/admin/campaigns',
      summary:
        'List campaigns: first those that need an operator, then by phase, those that open next first, then by id',
      request: { query },
      responses: {
        ...deps.refused,
        200: jsonAnswer('One page of campaigns', page),
        404: problemAnswer('after is not the field next of an earlier page'),
      },
    }),
    async (c) => {
      const { after, limit, ...filter } = c.req.valid('query');
      const { campaigns, next } = await deps.list(filter, after, limit);
      return c.json({ campaigns: campaigns.map(presentListed), next: next ?? null }, 200);
    },
  );
}

const presentListed = ({ campaign, ...told }: ListedCampaign): z.infer<typeof listedCampaign> => ({
  ...present(campaign),
  phase: told.phase,
  attention: told.attention,
  remaining: told.remaining,
  backlog: told.backlog,
  deadLetters: told.deadLetters,
  oldestWaitMs: told.oldestWaitMs,
});

export function present(campaign: StoredCampaign): z.infer<typeof adminCampaign> {
  const { id, state, version } = campaign;
  const stage = stageOf(campaign);
  const settings = mapSettings(SETTINGS, 'name', {
    name: ({ name }) => campaign[name],
    instant: ({ name }) => isoTime(campaign[name]),
    integer: ({ name }) => campaign[name],
  });
  return { id, ...settings, state, stage, version, createdAt: new Date(campaign.createdAt).toISOString() };
}
