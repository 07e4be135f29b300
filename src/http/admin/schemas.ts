// The shapes of the admin API. Unknown fields are refused by name: a typing error must not look like a setting.
import { z } from '@hono/zod-openapi';
import { STAGES, type Stage } from '../../domain/campaign-life.ts';
import { isCampaignName, NAME_CHARS_MAX, NAME_EXPECTED, NAME_PATTERN } from '../../domain/campaign-name.ts';
import {
  CHANGEABLE,
  FIXED,
  type InstantSetting,
  type IntegerSetting,
  mapSettings,
  type NameSetting,
  SETTINGS,
} from '../../domain/campaign-settings.ts';
import { parseInstant, YEARS } from '../../domain/instant.ts';
import { limits } from '../../process/limits.ts';
import { campaignId } from '../public/schemas.ts';
import { ACTOR_EXPECTED, isActor } from './roles.ts';

/** ISO 8601, which becomes epoch ms. */
const time = z.iso
  .datetime({ offset: true, abort: true })
  .refine((text) => parseInstant(text) !== undefined, 'must lie between the years 1971 and 9998')
  .transform((text) => parseInstant(text)!)
  .nullable();
/** How far workers are behind the topic of tickets, where Kafka carries them. */
export const topicLag = z
  .object({
    topic: z.string(),
    group: z.string(),
    records: z.int().nullable().openapi({
      description:
        'Records of all campaigns that the group has not committed, each of 1 to 500 tickets; null where the brokers did not say it',
    }),
    worstRecords: z.int().nullable().openapi({ description: 'Of the partition with the most' }),
    problem: z.string().nullable().openapi({ description: 'Why the lag is not known; null where it is' }),
  })
  .openapi('TopicLag', { description: 'There where the front has BROKER=kafka' });
const units = z.int().min(1).max(limits.stockMax);

const described = ({ description }: { description?: string }) => (description === undefined ? {} : { description });

/** What a body may give, by kind of setting. */
const GIVEN = {
  name: ({ example }: NameSetting) =>
    z
      .string()
      .refine(isCampaignName, NAME_EXPECTED)
      .optional()
      .openapi({ maxLength: NAME_CHARS_MAX, pattern: NAME_PATTERN, example }),
  instant: ({ example, ...setting }: InstantSetting) =>
    time.optional().openapi({ format: 'date-time', pattern: YEARS.source, example, ...described(setting) }),
  integer: ({ min, max, ...setting }: IntegerSetting) =>
    z.int().min(min).max(limits[max]).optional().openapi(described(setting)),
};
const changeable = mapSettings(CHANGEABLE, 'name', GIVEN);

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
    stock: units,
    ...mapSettings(FIXED, 'name', GIVEN),
    ...changeable,
    dryRun: z.boolean().default(false).openapi({ description: 'Only say whether it would be created' }),
  })
  .refine(({ burst, ratePerSecond }) => burst === undefined || ratePerSecond, BURST_ALONE)
  .openapi('CreateCampaign', burstTakesRate({ required: ['ratePerSecond'], ...rateAboveZero }));

export const changeBody = z
  .strictObject(changeable)
  .refine((body) => Object.keys(body).length > 0, 'must name at least one setting to change')
  .refine(({ burst, ratePerSecond }) => burst === undefined || ratePerSecond !== 0, BURST_ALONE)
  .openapi('ChangeCampaign', { minProperties: 1, ...burstTakesRate(rateAboveZero) });

export const stockBody = z.strictObject({ add: units }).openapi('AddStock');

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
    ...mapSettings(SETTINGS, 'name', {
      name: () => z.string(),
      instant: () => z.string().nullable(),
      integer: () => z.int(),
    }),
    state: z.enum(['active', 'paused', 'closed']),
    stage: z.enum(Object.keys(STAGES) as Stage[]).openapi({
      description:
        'How far the life of the campaign has come; archived: its keys leave Redis, and its tickets are answered from the ledger; purged: its tickets leave the ledger',
    }),
    version: z.int(),
    createdAt: z.string(),
  })
  .openapi('AdminCampaign');

export const creationCheck = z
  .object({
    dryRun: z.literal(true),
    campaign: campaignId,
    exists: z
      .boolean()
      .openapi({ description: 'False when it would be created; true when it was created with the same settings' }),
  })
  .openapi('CreationCheck');

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
