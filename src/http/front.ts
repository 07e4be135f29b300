// The public listener's application.
import { OpenAPIHono } from '@hono/zod-openapi';
import { type CampaignRouteDeps, campaignRoute } from './campaigns.ts';
import { serversOf } from './declare.ts';
import { answerTheRest } from './errors.ts';
import { type GiveBackRouteDeps, giveBackRoute } from './give-back.ts';
import { type JoinRouteDeps, joinRoute } from './joins.ts';
import { pathOf } from './path.ts';
import { json } from './respond.ts';
import { type TicketRouteDeps, ticketRoute } from './tickets.ts';

export interface FrontDeps extends JoinRouteDeps, TicketRouteDeps, GiveBackRouteDeps, CampaignRouteDeps {
  /** Where buyers reach it, if that is not its own address. */
  publicUrl?: string | undefined;
  /** Aborts when the front is to be left alone by its balancer; it serves on until that has heard of it. */
  draining: AbortSignal;
  /** What a request needs and does not have, by name; empty when the front may receive traffic. */
  missing: () => Promise<string[]>;
  onError: (error: unknown) => void;
}

export function createFront(deps: FrontDeps): OpenAPIHono {
  const app = new OpenAPIHono({ getPath: pathOf });
  joinRoute(app, deps);
  ticketRoute(app, deps);
  giveBackRoute(app, deps);
  campaignRoute(app, deps);
  app.get('/livez', () => json(200, { status: 'up' }));
  app.get('/readyz', async () => {
    const missing = deps.draining.aborted ? ['not draining'] : await deps.missing();
    return json(missing.length === 0 ? 200 : 503, { ready: missing.length === 0, missing });
  });
  app.get('/openapi.json', () => {
    const info = {
      title: 'Sluice',
      version: '1',
      description: 'Sells a limited stock to a crowd, first come, first served.',
    };
    return json(200, app.getOpenAPI31Document({ openapi: '3.1.0', info, ...serversOf(deps.publicUrl) }));
  });
  answerTheRest(app, deps.onError);
  return app;
}
