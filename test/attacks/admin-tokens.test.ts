// Somebody guesses the admin token.
import { expect, test } from 'vitest';
import { createAdmin } from '../../src/http/admin/admin.ts';
import { limits } from '../../src/process/limits.ts';
import { TOKEN } from '../http/front.ts';

function place() {
  let toldCount = 0;
  const nothing = {} as never;
  const app = createAdmin({
    desk: nothing,
    list: async () => ({ campaigns: [], next: undefined }),
    campaigns: nothing,
    letters: nothing,
    reconcile: nothing,
    ending: nothing,
    status: nothing,
    tokens: { operator: TOKEN, reader: undefined },
    onRefused: () => {
      toldCount += 1;
    },
  });
  const ask = async (authorization: string | undefined, path = '/admin/campaigns') =>
    (await app.request(path, authorization === undefined ? {} : { headers: { authorization } })).status;
  return { ask, toldCount: () => toldCount };
}

test('wrong admin tokens were answered as fast as they came, and nobody heard of them; the right one gets in', async () => {
  const { ask, toldCount } = place();
  const max = limits.adminRefusalsWaitingMax;
  const guesses = Array.from({ length: max * 2 }, (_, i) => ask(`Bearer guess-${i}-of-the-token`));
  expect(await ask(`Bearer ${TOKEN}`)).toBe(200);
  const statuses = Map.groupBy(await Promise.all(guesses), (status) => status);
  expect([statuses.get(401)?.length, statuses.get(429)?.length]).toEqual([max, max]);
  expect(toldCount()).toBe(max * 2);
  // Those who waited have left their places.
  expect(await ask('Bearer another-guess-of-it')).toBe(401);
});

test('a wrong token for the document is told as well, one that was not sent is not', async () => {
  const { ask, toldCount } = place();
  expect(await ask(undefined)).toBe(401);
  expect(toldCount()).toBe(0);
  expect(await ask('Bearer a-guess-of-the-token', '/openapi.json')).toBe(401);
  expect(toldCount()).toBe(1);
});
