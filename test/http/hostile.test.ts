import { beforeAll, expect, test } from 'vitest';
import { fronts } from './front.ts';
import { type HostilePlace, LEAKS } from './hostile.ts';
import { hostileAdmin } from './hostile-admin.ts';
import { hostileNames } from './hostile-names.ts';
import { hostileRequests } from './hostile-requests.ts';
import { bytesOf, type RawAnswer, send } from './raw.ts';

const ROWS = [...hostileRequests, ...hostileNames, ...hostileAdmin];

const front = fronts().shared();
let place: HostilePlace;
const ports = { front: 0, admin: 0 };

beforeAll(async () => {
  const campaign = await front().create({ stock: 100_000 });
  place = { campaign, ticket: (await front().join(campaign, 'owner')).body.ticket };
  ports.front = Number(new URL(front().url).port);
  ports.admin = Number(new URL(front().adminUrl).port);
});

test.for(ROWS)('$name is answered and hurts nobody ($to)', async ({ to, statuses, request }) => {
  const asked = request(place);
  const answer = await send(ports[to], Buffer.isBuffer(asked) ? asked : bytesOf(asked));
  expect(statuses).toContain(answer.status);
  expect(answer.body).not.toMatch(LEAKS);
  expectOwnWords(answer, !Buffer.isBuffer(asked) && asked.method === 'HEAD');
  if (answer.status === 405) expect(answer.headers.allow).toMatch(/^(?:GET|POST|PATCH|DELETE)(?:, \w+)*$/);
  const startedAt = performance.now();
  expect((await front().ask('/livez')).status).toBe(200);
  expect(performance.now() - startedAt).toBeLessThan(1_000);
});

/** Every refusal is a problem, also one of bytes that are no request. */
function expectOwnWords({ status, headers, body }: RawAnswer, isHead: boolean): void {
  if (status < 400) return;
  expect(headers['content-type']).toBe('application/problem+json');
  expect(headers['cache-control']).toBe('no-store');
  expect(headers['x-content-type-options']).toBe('nosniff');
  if (isHead) return;
  const problem = JSON.parse(body) as Record<string, unknown>;
  expect(problem).toMatchObject({ status, type: expect.any(String), title: expect.any(String) });
}

test('after all of them the front admits as before, reported no error and made no campaign', async () => {
  expect((await front().join(place.campaign, 'a-late-user')).status).toBe(202);
  expect((await front().poll(place.ticket)).body.ticket).toBe(place.ticket);
  expect(front().errors).toEqual([]);
  const { body } = await front().admin('GET', '/admin/campaigns');
  expect((body.campaigns as { id: string }[]).map(({ id }) => id)).toEqual([place.campaign]);
});

test('the tables hold at least 250 hostile requests, no two of one name', () => {
  expect(new Set(ROWS.map(({ name }) => name)).size).toBe(ROWS.length);
  expect(ROWS.length).toBeGreaterThanOrEqual(250);
});
