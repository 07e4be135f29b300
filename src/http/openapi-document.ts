// GET /openapi.json: the document is built once, because to build it takes as long as hundreds of joins.
import { hash } from 'node:crypto';
import type { Hono } from 'hono';
import { jsonText, SECURE_HEADERS } from './respond.ts';

/**
 * Answers with what `build` gives at the first request, when all routes are declared; 304 to a client that has it (RFC
 * 9110 §13.1.2). `headers` say who may keep it.
 */
export function documentRoute(app: Pick<Hono, 'get'>, build: () => object, headers: Record<string, string>): void {
  let built: { text: string; etag: string } | undefined;
  app.get('/openapi.json', (c) => {
    built ??= withTag(JSON.stringify(build()));
    const fields = { ...headers, etag: built.etag };
    const had = c.req.header('if-none-match');
    if (had === undefined || !isAmong(built.etag, had)) return jsonText(200, built.text, fields);
    return new Response(null, { status: 304, headers: { ...SECURE_HEADERS, ...fields } });
  });
}

const withTag = (text: string) => ({ text, etag: `"${hash('sha256', text, 'base64url').slice(0, 22)}"` });

/** By the weak comparison, as If-None-Match asks for. */
const isAmong = (etag: string, list: string): boolean =>
  list.split(',').some((one) => one.trim() === '*' || one.trim().replace(/^W\//, '') === etag);
