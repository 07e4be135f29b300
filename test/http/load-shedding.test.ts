import { expect, test } from 'vitest';
import { watchEventLoop } from '../../src/http/public/load-shedding.ts';
import { limits } from '../../src/process/limits.ts';
import { until } from '../helpers/until.ts';
import { fronts } from './front.ts';
import { bytesOf, send } from './raw.ts';

const file = fronts();

/** Holds the event loop of this process, and so of its fronts. */
function block(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

test('a front whose event loop was held up refuses joins, answers polls, and admits again by itself', async (t) => {
  const front = await file.start(t);
  const campaign = await front.create();
  const [ticket] = await front.admit(campaign, 1, 1);
  const port = Number(new URL(front.url).port);
  const join = { method: 'POST', path: `/v1/campaigns/${campaign}/tickets`, headers: [['x-user-id', 'ann'] as const] };
  const poll = { path: `/v1/tickets/${ticket}` };
  const asked = await until('requests that arrive behind the lag', 15_000, async () => {
    const sent = [join, poll].map((request) => send(port, bytesOf(request)));
    block(limits.eventLoopLagMs + 200);
    const [joined, polled] = await Promise.all(sent);
    return joined!.status === 503 ? { joined: joined!, polled: polled! } : undefined;
  });
  expect(JSON.parse(asked.joined.body)).toMatchObject({
    type: 'https://iana.org/assignments/http-problem-types#temporary-reduced-capacity',
  });
  expect(asked.joined.headers['retry-after']).toMatch(/^[1-9]$/);
  expect(asked.polled.status).toBe(200);
  await until('joins are admitted again', 2_000, async () =>
    [200, 202].includes((await front.join(campaign, 'ann')).status),
  );
});

test('the lag of the event loop is what it was held up for, and gone at the next look', async (t) => {
  const shedding = watchEventLoop();
  t.onTestFinished(() => shedding.close());
  expect([shedding.isSaturated(), shedding.lagMs()]).toEqual([false, 0]);
  block(limits.eventLoopLagMs + 300);
  await until('a look', 1_000, () => shedding.isSaturated());
  expect(shedding.lagMs()).toBeGreaterThan(limits.eventLoopLagMs);
  await until('the next look', 1_000, () => !shedding.isSaturated());
});
