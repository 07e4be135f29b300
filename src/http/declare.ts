// Declares a route for /openapi.json and answers it with a plain handler. The hot routes check their few inputs with the
// same patterns by hand: the validating middleware costs 8 µs a request, a third of a bare one.
import type { OpenAPIHono, RouteConfig } from '@hono/zod-openapi';
import type { Handler } from 'hono';

export function declare(app: OpenAPIHono, route: RouteConfig, handler: Handler): void {
  app.openAPIRegistry.registerPath(route);
  app.on(route.method.toUpperCase(), route.path.replaceAll(/\{(\w+)\}/g, ':$1'), handler);
}

/** The address that clients of an OpenAPI document call, where it is not the document's own. */
export const serversOf = (url: string | undefined) => (url === undefined ? {} : { servers: [{ url }] });
