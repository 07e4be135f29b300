// The shapes of the admin API. Unknown fields are refused by name: a typing error must not look like a setting.
import { z } from '@hono/zod-openapi';
import { parseInstant } from '../domain/instant.ts';
import { NAME_CODE_POINTS_MAX } from '../domain/text.ts';
import { limits } from '../limits.ts';
import { campaignId } from './schemas.ts';

/** The gate takes no time before 1970, the ledger none after 9999. */
const TIME_MAX = parseInstant('9999-12-31T23:59:59.999Z')!;
const isKeepable = (text: string): boolean => {
  const ms = parseInstant(text);
  return ms !== undefined && ms >= 0 && ms <= TIME_MAX;
};
const time = z.iso
  .datetime({ offset: true, abort: true })
  .refine(isKeepable, 'lies between 1970 and 9999')
  .nullable()
  .openapi({ example: '2026-12-24T09:00:00Z' });
const rate = z.int().min(0).max(limits.rateMax).openapi({ description: 'Joins per second; 0 for no limit' });

const changeable = {
  name: z.string().max(NAME_CODE_POINTS_MAX).optional(),
  opensAt: time.optional(),
  closesAt: time.optional(),
  ratePerSecond: rate.optional(),
  burst: z
    .int()
    .min(1)
    .max(limits.rateMax)
    .optional()
    .openapi({ description: 'Joins admitted at once; one second of the rate if not given. Takes a rate above 0' }),
  backlogMax: z
    .int()
    .min(0)
    .max(limits.stockMax)
    .optional()
    .openapi({ description: 'Tickets waiting; 0 for no bound' }),
};

/** Without a rate nothing is ever throttled: a burst would be kept and never looked at. */
const BURST_ALONE = { path: ['burst'], error: 'takes effect only with a ratePerSecond above 0' };

export const createBody = z
  .strictObject({
    id: campaignId,
    stock: z.int().min(1).max(limits.stockMax),
    shards: z.int().min(1).max(limits.shardsMax).optional(),
    ...changeable,
  })
  .refine(({ burst, ratePerSecond }) => burst === undefined || ratePerSecond, BURST_ALONE)
  .openapi('CreateCampaign');

export const changeBody = z
  .strictObject(changeable)
  .refine((body) => Object.keys(body).length > 0, 'names at least one setting to change')
  .refine(({ burst, ratePerSecond }) => burst === undefined || ratePerSecond !== 0, BURST_ALONE)
  .openapi('ChangeCampaign');

export const stockBody = z.strictObject({ add: z.int().min(1).max(limits.stockMax) }).openapi('AddStock');

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
    version: z.int(),
    createdAt: z.string(),
  })
  .openapi('AdminCampaign');

export const stockAdded = adminCampaign
  .extend({ added: z.int().openapi({ description: 'Units this call added; 0 when its key was used before' }) })
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
