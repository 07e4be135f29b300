// The wall clock of the front is wrong by an hour: what buyers are told follows Redis's clock and spans, never it.
import { afterEach, expect, test, vi } from 'vitest';
import { limits } from '../../src/process/limits.ts';
import { uniqueName } from '../helpers/services.ts';
import { until } from '../helpers/until.ts';
import { fronts, type TestFront } from './front.ts';

const file = fronts();
const HOUR_MS = 3_600_000;

afterEach(() => {
  vi.restoreAllMocks();
});

/** Sets the wall clock of this process, and of the front in it; Redis and the ledger are other processes. */
function setClock(byMs: number): void {
  const right = Date.now.bind(Date);
  vi.spyOn(Date, 'now').mockImplementation(() => right() + byMs);
}

async function redisNow({ redis }: TestFront): Promise<number> {
  return Number((await redis.time())[0]) * 1_000;
}

const isoIn = (epochMs: number): string => new Date(epochMs).toISOString();

test('a clock that is set back by an hour does not make an empty bucket last for that hour', async (t) => {
  const front = await file.start(t);
  const campaign = await front.create({ stock: 100, ratePerSecond: 1, burst: 1 });
  await front.admit(campaign, 1, 1);
  await until('strangers are throttled', 60_000, async () => {
    return (await front.join(campaign, uniqueName('stranger'))).status === 429;
  });
  setClock(-HOUR_MS);
  // The first reading under the new clock: from then on the front trusts what it remembers.
  await new Promise((resolve) => front.campaigns.onReading(resolve));
  await until('a stranger is admitted', 60_000, async () => {
    const answer = await front.join(campaign, uniqueName('stranger'));
    if (answer.status === 429) expect(Number(answer.headers.get('retry-after'))).toBeLessThan(60);
    return answer.status === 202;
  });
});

test('a user who joins too often is not told to wait for the hour by which the clock is set back', async (t) => {
  const front = await file.start(t, { joinsPerSecond: 1 });
  const campaign = await front.create();
  const user = uniqueName('greedy');
  const refused = () =>
    until('the user is refused', 60_000, async () => {
      const answer = await front.join(campaign, user);
      return answer.status === 429 ? answer : undefined;
    });
  await refused();
  setClock(-HOUR_MS);
  const waitSeconds = Number((await refused()).headers.get('retry-after'));
  expect(waitSeconds).toBeLessThanOrEqual(2 * limits.clientWindowSeconds);
});

test.for([-HOUR_MS, HOUR_MS])(
  'with a clock %i ms off a sale that is open is open, before anybody was admitted',
  async (byMs, t) => {
    const front = await file.start(t);
    const now = await redisNow(front);
    const window = { opensAt: isoIn(now - 10_000), closesAt: isoIn(now + 600_000) };
    const campaign = await front.create(window);
    setClock(byMs);
    expect((await front.ask(`/v1/campaigns/${campaign}`)).body).toMatchObject({ phase: 'open' });
    expect((await front.join(campaign, 'first')).status).toBe(202);
    const told = await front.admin('GET', `/admin/campaigns/${campaign}`);
    const { phase, oldestWaitMs } = told.body as unknown as { phase: string; oldestWaitMs: number };
    expect([phase, oldestWaitMs < HOUR_MS / 2]).toEqual(['open', true]);
  },
);

test.for([-HOUR_MS, HOUR_MS])(
  'with a clock %i ms off a sale that has not begun says so from memory, and when to come',
  async (byMs, t) => {
    const front = await file.start(t);
    const opensAt = (await redisNow(front)) + 1_200_000;
    const campaign = await front.create({ opensAt: isoIn(opensAt) });
    setClock(byMs);
    const before = front.questionCount();
    await front.ask(`/v1/campaigns/${campaign}`);
    const answer = await front.join(campaign, 'early');
    expect([answer.status, front.questionCount() - before <= 1]).toEqual([409, true]);
    expect(answer.body).toMatchObject({
      type: 'urn:problem-type:sluice:campaign-not-open',
      opensAt: isoIn(opensAt),
    });
    const waitSeconds = Number(answer.headers.get('retry-after'));
    expect([waitSeconds > 600, waitSeconds < 1_800]).toEqual([true, true]);
  },
);

test.for([-HOUR_MS, HOUR_MS])('with a clock %i ms off a sale that is over is over, from memory', async (byMs, t) => {
  const front = await file.start(t);
  const now = await redisNow(front);
  const campaign = await front.create({ opensAt: isoIn(now - 20_000), closesAt: isoIn(now - 10_000) });
  setClock(byMs);
  expect((await front.join(campaign, 'late')).status).toBe(410);
  expect((await front.ask(`/v1/campaigns/${campaign}`)).body).toMatchObject({ phase: 'ended' });
});
