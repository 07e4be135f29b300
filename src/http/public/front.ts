// The public listener's application.
import { OpenAPIHono } from '@hono/zod-openapi';
import { type Readiness, readinessBody } from '../../domain/readiness.ts';
import { serversOf } from '../declare.ts';
import { answerTheRest } from '../errors.ts';
import { documentRoute } from '../openapi-document.ts';
import { pathOf } from '../path.ts';
import { because, json } from '../respond.ts';
import { type CampaignRouteDeps, campaignRoute } from './campaigns.ts';
import { type GiveBackRouteDeps, giveBackRoute } from './give-back.ts';
import { type JoinRouteDeps, joinRoute } from './joins.ts';
import { type TicketRouteDeps, ticketRoute } from './tickets.ts';

export interface FrontDeps extends JoinRouteDeps, TicketRouteDeps, GiveBackRouteDeps, CampaignRouteDeps {
  /** Where buyers reach it, if that is not its own address. */
  publicUrl?: string | undefined;
  readiness: () => Readiness;
  /** What `/readyz?verbose` adds. */
  readinessDetails: () => object;
}

export function createFront(deps: FrontDeps): OpenAPIHono {
  const app = new OpenAPIHono({ getPath: pathOf });
  joinRoute(app, deps);
  ticketRoute(app, deps);
  giveBackRoute(app, deps);
  campaignRoute(app, deps);
  app.get('/livez', () => json(200, { status: 'up' }));
  app.get('/readyz', (context) => {
    const readiness = deps.readiness();
    const isVerbose = context.req.query('verbose') !== undefined;
    const body = { ...readinessBody(readiness), ...(isVerbose && deps.readinessDetails()) };
    return body.ready ? json(200, body) : because('not-ready', readiness.reasons, json(503, body));
  });
  const info = {
    title: 'Sluice',
    version: '1',
    description: 'Sells a limited stock to a crowd, first come, first served.',
  };
  const build = () => app.getOpenAPI31Document({ openapi: '3.1.0', info, ...serversOf(deps.publicUrl) });
  const vary = deps.corsOrigins?.length ? { vary: 'origin' } : {};
  documentRoute(app, build, { 'cache-control': 'public, max-age=60', ...vary });
  answerTheRest(app);
  return app;
}
