import { z } from '@hono/zod-openapi';
import { Hono } from 'hono';
import { expect, test } from 'vitest';
import { documentRoute } from '../../src/http/openapi-document.ts';
import { keepDeadLetter } from '../../src/ledger/dead-letters.ts';
import { startRedis, uniqueName } from '../helpers/services.ts';
import { startTcpProxy } from '../helpers/tcp-proxy.ts';
import { until } from '../helpers/until.ts';
import type { Answer } from './client.ts';
import { fronts, READ_TOKEN, TOKEN, untilKnown } from './front.ts';
import { issue } from './issue.ts';
import { bytesOf, send } from './raw.ts';

const file = fronts();
const front = file.shared();

interface Operation {
  responses: Record<string, { content?: Record<string, { schema: object }> }>;
  parameters?: { name: string; in: string; required?: boolean }[];
}
interface Document {
  openapi: string;
  info: { title: string; version: string };
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object> };
}

async function documentOf(of: 'front' | 'admin'): Promise<Document> {
  const url = of === 'front' ? front().url : front().adminUrl;
  return (await (
    await fetch(`${url}/openapi.json`, { headers: { authorization: `Bearer ${TOKEN}` } })
  ).json()) as Document;
}

/** Every object anywhere in `value`, with where it is. */
function* nodes(value: unknown, at = '#'): Generator<[string, Record<string, unknown>]> {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) yield [at, value as Record<string, unknown>];
  for (const [key, child] of Object.entries(value)) yield* nodes(child, `${at}/${key}`);
}

const KNOWN_TYPES = ['string', 'integer', 'number', 'boolean', 'object', 'array', 'null'];

test.for(['front', 'admin'] as const)('/openapi.json of the %s is a well-formed OpenAPI 3.1 document', async (of) => {
  const document = await documentOf(of);
  expect(document.openapi).toBe('3.1.0');
  expect(document.info).toMatchObject({ title: expect.any(String), version: expect.any(String) });
  for (const [path, item] of Object.entries(document.paths)) {
    expect(path).toMatch(/^\/[\w./{}-]*$/);
    for (const [method, operation] of Object.entries(item)) {
      expect(['get', 'post', 'patch', 'put', 'delete']).toContain(method);
      expect(Object.keys(operation.responses).every((status) => /^[2-5]\d\d$/.test(status))).toBe(true);
      const declared = (operation.parameters ?? []).filter((p) => p.in === 'path' && p.required === true);
      const named = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
      expect(declared.map(({ name }) => name)).toEqual(named);
    }
  }
  for (const [at, node] of nodes(document)) {
    if (typeof node.$ref === 'string') {
      const name = /^#\/components\/schemas\/(\w+)$/.exec(node.$ref)?.[1];
      expect(document.components.schemas, at).toHaveProperty(name!);
    }
    // What 3.0 had and JSON Schema 2020-12 has not.
    expect(node.nullable, at).toBeUndefined();
    if ('exclusiveMinimum' in node) expect(typeof node.exclusiveMinimum, at).toBe('number');
    if (at.includes('schema') && 'type' in node && !at.endsWith('/properties')) {
      for (const type of [node.type].flat()) expect(KNOWN_TYPES, at).toContain(type);
    }
  }
});

const PROBED = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];

test.for(['front', 'admin'] as const)('the %s takes exactly the methods that its document declares', async (of) => {
  const { paths } = await documentOf(of);
  const port = Number(new URL(of === 'front' ? front().url : front().adminUrl).port);
  for (const [path, item] of Object.entries(paths)) {
    const declared = Object.keys(item).map((method) => method.toUpperCase());
    for (const method of PROBED) {
      const request = {
        method,
        path: path.replaceAll(/\{\w+\}/g, 'none'),
        headers: [['authorization', `Bearer ${TOKEN}`] as const],
      };
      const { status, headers } = await send(port, bytesOf(request));
      expect([path, method, status === 405]).toEqual([path, method, !declared.includes(method)]);
      if (status === 405) expect(headers.allow!.split(', ').toSorted()).toEqual(declared.toSorted());
    }
  }
});

test('the paths of the contract are declared, and nothing beside them', async () => {
  expect(Object.keys((await documentOf('front')).paths).toSorted()).toEqual(
    ['/v1/campaigns/{id}', '/v1/campaigns/{id}/tickets', '/v1/tickets/{ticket}'].toSorted(),
  );
  const admin = Object.keys((await documentOf('admin')).paths);
  const verbs = ['pause', 'resume', 'close', 'stock'].map((verb) => `/admin/campaigns/{id}/${verb}`);
  expect(admin).toEqual(expect.arrayContaining(['/admin/campaigns', '/admin/campaigns/{id}', ...verbs]));
  expect(admin.every((path) => path.startsWith('/admin/'))).toBe(true);
});

/** Holds `answer` against what the document says of it: its status, its media type and the schema of its body. */
function expectDeclared(
  document: Document,
  method: string,
  path: string,
  { status, headers, body, text }: Answer,
): void {
  const operation = document.paths[path]![method.toLowerCase()]!;
  const response = operation.responses[String(status)];
  expect(response, `${method} ${path} ${status} ${text}`).toBeDefined();
  const schema = response!.content?.[headers.get('content-type')!]?.schema;
  expect(schema, `${method} ${path} ${status} ${headers.get('content-type')}`).toBeDefined();
  const definitions = JSON.parse(
    JSON.stringify(document.components.schemas).replaceAll('#/components/schemas/', '#/$defs/'),
  );
  const whole = JSON.parse(JSON.stringify(schema).replaceAll('#/components/schemas/', '#/$defs/'));
  const checked = z.fromJSONSchema({ ...whole, $defs: definitions }).safeParse(body);
  expect(checked.error?.issues ?? [], `${method} ${path} ${status} ${text}`).toEqual([]);
}

test('what the front answers is what its document says', async (t) => {
  const document = await documentOf('front');
  const campaign = await front().create({ stock: 2, ratePerSecond: 1, burst: 2 });
  const [tickets, ticket, sale] = Object.keys(document.paths).toSorted((a, b) => b.length - a.length);
  const joined = await front().join(campaign, 'ann');
  for (const answer of [
    joined,
    await front().join(campaign, 'ann'),
    await front().join(campaign, 'bob'),
    await front().join(campaign, 'eve'),
    await front().join('none', 'ann'),
    await front().ask(`/v1/campaigns/${campaign}/tickets`, { method: 'POST' }),
    await front().ask(`/v1/campaigns/${campaign}/tickets`, { method: 'POST', body: 'a'.repeat(5_000) }),
    await front().join(await front().create({ opensAt: new Date(Date.now() + 60_000).toISOString() }), 'ann'),
    await front().join(await front().create({ closesAt: new Date(Date.now() - 60_000).toISOString() }), 'ann'),
  ]) {
    expectDeclared(document, 'POST', tickets!, answer);
  }
  expectDeclared(document, 'GET', ticket!, await front().poll(joined.body.ticket));
  expectDeclared(document, 'GET', ticket!, await front().poll('x'));
  await issue(t, front(), file.ledger(), campaign);
  await untilKnown(front(), campaign, ({ view }) => view.settledCount === 2);
  expectDeclared(document, 'GET', ticket!, await front().poll(joined.body.ticket));
  for (const given of [joined.body.ticket, 'x']) {
    expectDeclared(document, 'DELETE', ticket!, await front().giveBack(given));
  }
  expectDeclared(document, 'GET', ticket!, await front().poll(joined.body.ticket));
  expectDeclared(document, 'GET', sale!, await front().ask(`/v1/campaigns/${campaign}`));
  expectDeclared(document, 'GET', sale!, await front().ask('/v1/campaigns/none'));
});

test('what the front answers while Redis is away is declared, too', async (t) => {
  const redis = await startRedis(t);
  const proxy = await startTcpProxy(t, redis.url);
  const near = await file.start(t, { redisUrl: redis.url });
  const other = await file.start(t, { redisUrl: proxy.url });
  const document = await documentOf('front');
  const campaign = await near.create();
  const { ticket } = (await near.join(campaign, 'ann')).body;
  proxy.set('reset');
  const answers = await until('the outage is noticed', 2_000, async () => {
    const join = await other.join(await near.create(), 'ann');
    return join.status === 503
      ? {
          join,
          poll: await other.poll(ticket),
          sale: await other.ask('/v1/campaigns/some'),
          end: await other.giveBack(ticket),
        }
      : undefined;
  });
  expectDeclared(document, 'POST', '/v1/campaigns/{id}/tickets', answers.join);
  expectDeclared(document, 'GET', '/v1/tickets/{ticket}', answers.poll);
  expectDeclared(document, 'GET', '/v1/campaigns/{id}', answers.sale);
  expectDeclared(document, 'DELETE', '/v1/tickets/{ticket}', answers.end);
  expect([answers.poll.status, answers.sale.status]).toEqual([503, 503]);
});

test('what the admin API answers is what its document says', async () => {
  const document = await documentOf('admin');
  const all = '/admin/campaigns';
  const one = '/admin/campaigns/{id}';
  const letters = '/admin/dead-letters';
  const id = uniqueName('declared');
  const letter = { campaign: id, epoch: 1, seq: 1, reason: 'malformed-entry', attempts: 1, raw: '{}' };
  await keepDeadLetter(file.ledger(), letter);
  const asked: [string, string, string, unknown?, Record<string, string>?][] = [
    ['POST', all, all, { id, stock: 1 }],
    ['POST', all, all, { id, stock: 1 }],
    ['POST', all, all, { id, stock: 2 }],
    ['POST', all, all, { id, stock: 1, dryRun: true }],
    ['POST', all, all, { id, stock: 0 }],
    ['POST', all, all, '{'],
    ['POST', all, all, '{}', { 'content-type': 'text/plain' }],
    ['POST', all, all, 'a'.repeat(5_000)],
    ['POST', all, all, {}, { authorization: '' }],
    ['GET', all, all],
    ['GET', all, `${all}?limit=0`],
    ['GET', all, all, undefined, { authorization: '' }],
    ['GET', one, `${all}/${id}`],
    ['GET', one, `${all}/none`],
    ['GET', one, `${all}/${id}`, undefined, { authorization: '' }],
    ['PATCH', one, `${all}/${id}`, { name: 'Other' }],
    ['PATCH', one, `${all}/${id}`, { stock: 5 }],
    ['PATCH', one, `${all}/none`, { name: 'Other' }],
    ['PATCH', one, `${all}/${id}`, '{'],
    ['POST', `${one}/pause`, `${all}/${id}/pause`],
    ['POST', `${one}/pause`, `${all}/none/pause`],
    ['POST', `${one}/resume`, `${all}/${id}/resume`],
    ['POST', `${one}/stock`, `${all}/${id}/stock`, { add: 1 }, { 'idempotency-key': 'k' }],
    ['POST', `${one}/stock`, `${all}/${id}/stock`, { add: 2 }, { 'idempotency-key': 'k' }],
    ['POST', `${one}/stock`, `${all}/${id}/stock`, { add: 2 }],
    ['POST', `${one}/close`, `${all}/${id}/close`],
    ['POST', `${one}/resume`, `${all}/${id}/resume`],
    ['PATCH', one, `${all}/${id}`, { name: 'Late' }],
    ['GET', letters, `${letters}?campaign=${id}`],
    ['GET', letters, `${letters}?state=lost`],
    ['GET', `${letters}/{id}`, `${letters}/1`],
    ['GET', `${letters}/{id}`, `${letters}/999999999`],
    ['GET', `${letters}/{id}`, `${letters}/x`],
    ['POST', `${letters}/redrive`, `${letters}/redrive`, { campaign: id, dryRun: true }],
    ['POST', `${letters}/redrive`, `${letters}/redrive`, { campaign: id, reason: '' }],
    ['POST', `${letters}/discard`, `${letters}/discard`, { campaign: id }],
    ['POST', `${letters}/discard`, `${letters}/discard`, '{'],
  ];
  for (const [method, path, target, body, headers] of asked) {
    expectDeclared(document, method, path, await front().admin(method, target, body, headers));
  }
});

test('a document was built for every request: a client that has it gets 304, and it is built once', async () => {
  for (const url of [front().url, front().adminUrl]) {
    const get = (headers: Record<string, string>) =>
      fetch(`${url}/openapi.json`, { headers: { authorization: `Bearer ${TOKEN}`, ...headers } });
    const first = await get({});
    const etag = first.headers.get('etag')!;
    expect(etag).toMatch(/^"[\w-]{22}"$/);
    await first.text();
    for (const had of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
      const again = await get({ 'if-none-match': had });
      expect([had, again.status, await again.text(), again.headers.get('etag')]).toEqual([had, 304, '', etag]);
    }
    expect((await get({ 'if-none-match': '"x"' })).status).toBe(200);
  }
  let count = 0;
  const app = new Hono();
  documentRoute(app, () => ({ count: ++count }), {});
  for (let i = 0; i < 3; i += 1) expect(await (await app.request('/openapi.json')).json()).toEqual({ count: 1 });
});

test('the document of the admin API was open to everybody', async () => {
  const [none, wrong, reader] = await Promise.all(
    [undefined, 'a-guess-of-the-token', READ_TOKEN].map((token) =>
      fetch(
        `${front().adminUrl}/openapi.json`,
        token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } },
      ),
    ),
  );
  expect([none!.status, wrong!.status, reader!.status]).toEqual([401, 401, 200]);
  expect(reader!.headers.get('cache-control')).toBe('private, no-cache');
});
