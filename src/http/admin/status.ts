// GET /admin/status: the whole service on one screen.
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import type { ReadStatus } from '../../desk/service-status.ts';
import { ATTENTIONS, type Attention } from '../../domain/campaign-attention.ts';
import { backlogBody } from '../../domain/waiting.ts';
import { campaignId, jsonAnswer, type problemAnswer } from '../public/schemas.ts';
import { topicLag } from './schemas.ts';

const store = z.object({
  reachable: z.boolean(),
  connections: z.object({ open: z.int(), max: z.int() }).nullable().openapi({
    description: 'Of all clients; in a Cluster of the fullest primary; null where the server does not say it',
  }),
});

const processes = z
  .array(
    z.object({
      name: z.string(),
      silentMs: z.int().openapi({ description: 'Since its newest report' }),
      reasons: z.array(z.string()).openapi({ description: 'Why it is not ready; empty when it is' }),
    }),
  )
  .nullable()
  .openapi({ description: 'Those that have reported in the last 10 s; null where the reports cannot be read' });

const status = z
  .object({
    at: z.iso.datetime(),
    stores: z.object({ redis: store, database: store }),
    kafka: topicLag.nullable().optional(),
    fronts: processes,
    workers: processes,
    backlog: z
      .object({ tickets: z.int(), campaigns: z.int(), oldestWaitMs: z.int() })
      .nullable()
      .openapi({ description: 'Tickets that are admitted and not settled, over all campaigns' }),
    retrying: z.int().nullable(),
    deadLetters: z.int().nullable(),
    campaigns: z
      .array(z.object({ id: campaignId, backlog: z.int(), settled: z.int(), oldestWaitMs: z.int() }))
      .nullable()
      .openapi({ description: 'The 20 with the largest backlogs' }),
    attention: z
      .array(z.object({ campaign: campaignId, attention: z.enum(Object.keys(ATTENTIONS) as Attention[]) }))
      .nullable()
      .openapi({ description: 'Campaigns that need an operator, the most urgent first; at most 10 s old' }),
    needs: z
      .array(z.object({ what: z.string(), text: z.string() }))
      .openapi({ description: 'What needs a person, the most urgent first, and what to do' }),
  })
  .openapi('Status');

export function statusRoute(
  app: OpenAPIHono,
  deps: {
    status: ReadStatus;
    refused: Record<400 | 401 | 403 | 413 | 415 | 422 | 500 | 503, ReturnType<typeof problemAnswer>>;
  },
): void {
  app.openapi(
    createRoute({
      method: 'get',
      path: '/admin/status',
      summary: 'Show the stores, fronts, workers, what waits, and what needs a person',
      responses: { ...deps.refused, 200: jsonAnswer('The status; null for what could not be read', status) },
    }),
    async (c) => c.json(present(await deps.status()), 200),
  );
}

function present({ waiting, fronts, workers, attention, needs, ...rest }: Awaited<ReturnType<ReadStatus>>) {
  const campaigns = waiting?.busiest.map(({ id, ticketCount, settledCount, oldestWaitMs }) => ({
    id,
    backlog: ticketCount,
    settled: settledCount,
    oldestWaitMs,
  }));
  return {
    at: new Date().toISOString(),
    ...rest,
    fronts: presentProcesses(fronts),
    workers: presentProcesses(workers),
    backlog: waiting === null ? null : backlogBody(waiting),
    campaigns: campaigns ?? null,
    attention: attention === null ? null : [...attention],
    needs: [...needs],
  };
}

const presentProcesses = (all: Awaited<ReturnType<ReadStatus>>['fronts']) =>
  all?.map(({ name, silentMs, reasons }) => ({ name, silentMs, reasons: [...reasons] })) ?? null;
