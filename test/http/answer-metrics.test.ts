import { expect, test } from 'vitest';
import { Fault } from '../../src/domain/fault.ts';
import { countingAnswers } from '../../src/http/answer-metrics.ts';
import * as problems from '../../src/http/problems.ts';
import { json } from '../../src/http/respond.ts';
import type { Answered } from '../../src/telemetry/http-metrics.ts';

async function counted(response: Response, method: string, url: string, listener: 'public' | 'admin' = 'public') {
  const answers: Answered[] = [];
  const { fetch } = countingAnswers(
    () => Promise.resolve(response),
    listener,
    (answered) => answers.push(answered),
  );
  await fetch(new Request('http://x/'), { incoming: { method, url } });
  return answers[0]!;
}

const join = '/v1/campaigns/spring-sale/tickets';

test.for([
  ['ok', json(202, {}), undefined],
  ['refused', problems.ended(), undefined],
  ['refused', problems.tooMany(1, { name: 'x', count: 1, windowSeconds: 1 }), undefined],
  ['refused', problems.unavailable('full', { kind: 'backlogged' }), 'temporary-reduced-capacity'],
  ['refused', problems.guessedTooOften(), 'temporary-reduced-capacity'],
  ['invalid', problems.unknownCampaign(), undefined],
  ['fault', problems.overloaded('the gate is too slow'), 'temporary-reduced-capacity'],
  [
    'fault',
    problems.faulted(new Fault('redis-unavailable', 'away', { retryable: true })),
    'temporary-reduced-capacity',
  ],
  ['fault', problems.faulted(new Error('a bug')), 'internal'],
  ['fault', new Response('', { status: 500 }), 'none'],
] as const)('an answer is %s by what it says, not by its status', async ([outcome, response, problem]) => {
  expect(await counted(response, 'POST', join)).toMatchObject({
    method: 'POST',
    route: '/v1/campaigns/{id}/tickets',
    status: response.status,
    outcome,
    ...(problem === undefined ? {} : { problem }),
  });
});

test('a route is a template: no path of a client is a label', async () => {
  const routes = [
    ['GET', '/v1/campaigns/spring-sale?x=/tickets', '/v1/campaigns/{id}'],
    ['POST', `${join}?x`, '/v1/campaigns/{id}/tickets'],
    ['DELETE', '/v1/tickets/abc', '/v1/tickets/{ticket}'],
    ['GET', '/readyz', 'other'],
    ['GET', '/%2e/nonsense', 'other'],
  ] as const;
  for (const [method, url, route] of routes) {
    expect(await counted(json(200, {}), method, url)).toMatchObject({ method, route });
  }
  expect(await counted(json(200, {}), 'BREW', '/admin/campaigns/x', 'admin')).toMatchObject({
    method: '_OTHER',
    route: '/admin',
  });
});
