// The shapes of the dead-letter routes.
import { z } from '@hono/zod-openapi';
import { LETTER_STATES } from '../../domain/dead-letter.ts';
import { limits } from '../../process/limits.ts';
import { campaignId, wholeNumber } from '../public/schemas.ts';

/** What `int unsigned` and `bigint unsigned` columns are asked for: ids grow by one. */
const id = z.int().min(1);
const state = z.enum(LETTER_STATES);
/** Reasons are ASCII in the ledger; it refuses to compare them with anything else. */
const REASON = /^[\x20-\x7e]{1,64}$/;
/** The body has room for as many of the longest tickets. */
const TICKETS_MAX = 100;

export const deadLetter = z
  .object({
    id,
    campaign: campaignId,
    state,
    reason: z.string(),
    seq: z.int(),
    epoch: z.int(),
    unit: z.int().nullable(),
    user: z.string().nullable(),
    attempts: z.int(),
    redriveCount: z.int(),
    traceId: z.string().nullable(),
    admittedAt: z.string().nullable(),
    createdAt: z.string(),
    autoRedriveAt: z.string().nullable().openapi({ description: 'From then on a worker redrives it by AUTO_REDRIVE' }),
  })
  .openapi('DeadLetter');

export const deadLetterDetails = deadLetter
  .extend({ detail: z.string(), raw: z.string().nullable() })
  .openapi('DeadLetterDetails');

export const letterQuery = z.object({
  campaign: campaignId.optional(),
  state: state.optional(),
  after: wholeNumber(0, Number.MAX_SAFE_INTEGER, 0),
  limit: wholeNumber(1, 500, 100),
});

export const letterPage = z
  .object({
    deadLetters: z.array(deadLetter),
    summary: z
      .array(z.object({ reason: z.string(), state, count: z.int() }))
      .openapi({ description: 'Counts of all matching dead letters by reason and state; empty after the first page' }),
  })
  .openapi('DeadLetterPage');

export const letterParams = z.object({ id: wholeNumber(1, Number.MAX_SAFE_INTEGER) });

export const choiceBody = z
  .strictObject({
    campaign: campaignId,
    tickets: z
      .array(
        z.string().regex(/^(\d{1,15}|[\w-]{20,130}\.[\w-]{22})$/, 'must hold ids of dead letters or signed tickets'),
      )
      .min(1)
      .max(TICKETS_MAX)
      .optional()
      .openapi({
        description:
          'Ids of dead letters, or signed tickets. Default: all dead letters of the campaign in the state kept',
      }),
    reason: z.string().regex(REASON, 'must be 1 to 64 printable ASCII characters').optional(),
    limit: z.int().min(1).max(limits.lettersPerCallMax).optional(),
    dryRun: z.boolean().default(false),
  })
  .openapi('DeadLetterChoice');

export const letterWork = z
  .object({
    campaign: campaignId,
    dryRun: z.boolean(),
    matching: z
      .int()
      .openapi({ description: 'Dead letters that matched and were in the state kept when the call began' }),
    done: z
      .int()
      .openapi({ description: 'Dead letters that this call redrove or discarded; in a dry run, those it would try' }),
    left: z
      .int()
      .openapi({ description: 'Matching dead letters still in the state kept; call again to go through them' }),
    skipped: z.array(z.object({ id: id.nullable(), why: z.string() })),
  })
  .openapi('DeadLetterWork');
