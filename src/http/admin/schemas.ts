// The shapes of the admin API. Unknown fields are refused by name: a typing error must not look like a setting.
import { z } from '@hono/zod-openapi';
import { STAGES, type Stage } from '../../domain/campaign-life.ts';
import { isCampaignName, NAME_CHARS_MAX, NAME_EXPECTED, NAME_PATTERN } from '../../domain/campaign-name.ts';
import { parseInstant, YEARS } from '../../domain/instant.ts';
import { limits } from '../../process/limits.ts';
import { campaignId } from '../public/schemas.ts';
import { ACTOR_EXPECTED, isActor } from './roles.ts';

const time = z.iso
  .datetime({ offset: true, abort: true })
  .refine((text) => parseInstant(text) !== undefined, 'must lie between the years 1971 and 9998')
  .nullable();
const described = { format: 'date-time', pattern: YEARS.source };
const name = z
  .string()
  .refine(isCampaignName, NAME_EXPECTED)
  .openapi({ maxLength: NAME_CHARS_MAX, pattern: NAME_PATTERN, example: 'Spring sale' });
const rate = z
  .int()
  .min(0)
  .max(limits.rateMax)
  .openapi({ description: 'Joins that are admitted per second; 0 for no limit' });

const changeable = {
  name: name.optional(),
  opensAt: time.optional().openapi({ ...described, example: '2026-12-24T09:00:00Z' }),
  closesAt: time.optional().openapi({
    ...described,
    example: '2026-12-24T21:00:00Z',
    description: 'Must be after opensAt, else the answer is 409',
  }),
  ratePerSecond: rate.optional(),
  burst: z.int().min(1).max(limits.rateMax).optional().openapi({
    description:
      'Joins that may be admitted at once. Default: as many as ratePerSecond admits in one second. Needs a ratePerSecond above 0',
  }),
  backlogMax: z
    .int()
    .min(0)
    .max(limits.stockMax)
    .optional()
    .openapi({ description: 'Tickets that may wait to be issued; 0 for no limit' }),
};

/** Without a rate nothing is ever throttled: a burst would be kept and never looked at. */
const BURST_ALONE = { path: ['burst'], error: 'needs a ratePerSecond above 0' };

/** The same for readers of the document: JSON Schema's `if`, which the types of the generator do not have. */
const burstTakesRate = (then: object) => ({
  description: 'burst needs ratePerSecond',
  if: { required: ['burst'] },
  then,
});
const rateAboveZero = { properties: { ratePerSecond: { minimum: 1 } } };

export const createBody = z
  .strictObject({
    id: campaignId,
    stock: z.int().min(1).max(limits.stockMax),
    shards: z.int().min(1).max(limits.shardsMax).optional(),
    ...changeable,
  })
  .refine(({ burst, ratePerSecond }) => burst === undefined || ratePerSecond, BURST_ALONE)
  .openapi('CreateCampaign', burstTakesRate({ required: ['ratePerSecond'], ...rateAboveZero }));

export const changeBody = z
  .strictObject(changeable)
  .refine((body) => Object.keys(body).length > 0, 'must name at least one setting to change')
  .refine(({ burst, ratePerSecond }) => burst === undefined || ratePerSecond !== 0, BURST_ALONE)
  .openapi('ChangeCampaign', { minProperties: 1, ...burstTakesRate(rateAboveZero) });

export const stockBody = z.strictObject({ add: z.int().min(1).max(limits.stockMax) }).openapi('AddStock');

/** Who acts, for the audit log. A name that the log cannot take is refused: a change without its name cannot be explained. */
export const actorHeader = z.object({
  'x-actor': z
    .string()
    .refine(isActor, ACTOR_EXPECTED)
    .optional()
    .openapi({
      description: `The name of the operator for the audit log; it ${ACTOR_EXPECTED}`,
      pattern: '^[A-Za-z0-9_.@ -]{1,64}$',
      example: 'ann',
    }),
});

export const adminCampaign = z
  .object({
    id: campaignId,
    name: z.string(),
    stock: z.int(),
    opensAt: z.string().nullable(),
    closesAt: z.string().nullable(),
    ratePerSecond: z.int(),
    burst: z.int(),
    backlogMax: z.int(),
    shards: z.int(),
    state: z.enum(['active', 'paused', 'closed']),
    stage: z.enum(Object.keys(STAGES) as Stage[]).openapi({
      description:
        'How far the life of the campaign has come; archived: its keys leave Redis, and its tickets are answered from the ledger; purged: its tickets leave the ledger',
    }),
    version: z.int(),
    createdAt: z.string(),
  })
  .openapi('AdminCampaign');

export const stockAdded = adminCampaign
  .extend({
    added: z
      .int()
      .openapi({ description: 'Units that this call added; 0 when an earlier call used the same Idempotency-Key' }),
  })
  .openapi('StockAdded');

export const campaignSummary = adminCampaign
  .extend({
    phase: z.enum(['scheduled', 'open', 'paused', 'sold-out', 'ended']),
    remaining: z.int(),
    admitted: z.int(),
    issued: z.int(),
    backlog: z.int(),
    retrying: z.int(),
    deadLetters: z.int(),
    oldestWaitMs: z.int().nullable(),
    drainPerSecond: z.number().nullable(),
  })
  .openapi('CampaignSummary');
