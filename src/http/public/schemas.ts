// The shapes of the public API: what is checked is what /openapi.json says.
import { z } from '@hono/zod-openapi';
import { DURABILITIES } from '../../domain/durability.ts';
import { CAMPAIGN_ID } from '../../domain/ids.ts';
import { TICKET_STATUSES } from '../../domain/ticket-state.ts';

export const campaignId = z.string().regex(CAMPAIGN_ID).openapi({ example: 'spring-sale' });

export const userHeader = z.object({
  'x-user-id': z.string().min(1).max(128).optional().openapi({
    description:
      'The user: 1 to 128 bytes of UTF-8, without control characters and without white space at either end. A gateway sends X-Gateway-Secret beside it. A front that takes bearer tokens ignores it',
    example: 'ann',
  }),
  authorization: z
    .string()
    .optional()
    .openapi({ description: 'Bearer and the token of the user, at a front that takes bearer tokens' }),
});

const problemSchema = z
  .looseObject({
    type: z.string().openapi({ example: 'urn:problem-type:sluice:sold-out' }),
    title: z.string(),
    status: z.int(),
    detail: z.string().optional(),
  })
  .openapi('Problem');

export const ticketSchema = z
  .object({
    ticket: z.string(),
    campaign: campaignId,
    status: z.enum(TICKET_STATUSES),
    seq: z.int(),
    ahead: z.int(),
    eta: z.object({ known: z.boolean(), p50Ms: z.int().nullable(), p90Ms: z.int().nullable() }),
    pollAfterMs: z.int(),
    durability: z.enum(DURABILITIES),
    links: z.object({ self: z.string(), campaign: z.string() }),
    issuance: z.object({ code: z.string(), unit: z.int() }).optional(),
    problem: z.object({ type: z.string(), title: z.string() }).optional(),
  })
  .openapi('Ticket');

export const campaignSchema = z
  .object({
    id: campaignId,
    name: z.string(),
    phase: z.enum(['scheduled', 'open', 'paused', 'sold-out', 'ended']),
    opensAt: z.iso.datetime().nullable(),
    closesAt: z.iso.datetime().nullable(),
    soldOut: z.boolean(),
    remaining: z
      .enum(['none', 'few', 'some', 'many'])
      .openapi({ description: 'How much of the stock is left: none; few, up to 5 %; some, up to 25 %; or many' }),
    drainPerSecond: z.number().nullable(),
  })
  .openapi('Campaign');

/**
 * A whole number of a query or a path: decimal digits and nothing else. Number() would take the empty text for 0, and
 * `1e3`, `0x10` and blanks for numbers.
 */
export const wholeNumber = (min: number, max: number, fallback?: number) => {
  const described = { type: 'integer' as const, minimum: min, maximum: max };
  const read = z
    .string()
    .regex(/^(?:0|[1-9]\d{0,15})$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.int().min(min).max(max));
  return fallback === undefined
    ? read.openapi(described)
    : read.default(fallback).openapi({ ...described, default: fallback });
};

/** An answer with a problem body, as every refusal has. */
export const problemAnswer = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: problemSchema } },
});

export const jsonAnswer = <S extends z.ZodType>(description: string, schema: S) => ({
  description,
  content: { 'application/json': { schema } },
});
