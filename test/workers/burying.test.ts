// Burying a ticket: done again, by two workers, or before its entry is settled.
import { expect, type TestContext, test } from 'vitest';
import type { Keeping } from '../../src/domain/dead-letter.ts';
import { userTag } from '../../src/domain/ids.ts';
import type { RetryJob } from '../../src/domain/retry-job.ts';
import { createRetryTraces } from '../../src/telemetry/retry-trace.ts';
import { createRetryWork } from '../../workers/retrier.ts';
import { startRedis, uniqueName } from '../helpers/services.ts';
import { until } from '../helpers/until.ts';
import { ownDatabase } from '../ledger/own-database.ts';
import { openDuties } from './duties.ts';
import { deadLetters, dying } from './letters.ts';

const database = ownDatabase();
const { refuse, statesOf, issued } = deadLetters(database);
const FAILURE = { reason: 'rejected', detail: 'refused on purpose' };

/** One ticket whose row the database refuses, its entry settled or not, and a job of it that nobody works on. */
async function refused(t: TestContext, { isSettled }: { isSettled: boolean }) {
  const { url: redisUrl } = await startRedis(t);
  const duties = openDuties(t, { redisUrl, ledger: database.open(), pace: { attemptsMax: 2, backoffMs: 600_000 } });
  const campaign = await duties.openCampaign({ stock: 1 });
  const client = duties.client();
  const user = uniqueName('u');
  const [ticket] = (await client.admit(campaign, [user])) as [string];
  const relent = await refuse(t, user);
  if (isSettled) {
    duties.issue(campaign);
    await client.untilStatus(ticket, 'retrying');
  }
  const job: RetryJob = {
    ...{ campaign, epoch: 1, seq: 1, unit: 1, user, admittedAt: Date.now() },
    ...{ reason: 'rejected', traceparent: '' },
  };
  /** The same work, with one step of it held or broken. */
  const workWith = (keepDeadLetter: () => Promise<Keeping>) =>
    createRetryWork({
      ...duties.issuerDeps,
      gate: duties.gate,
      returns: duties.returns,
      traces: createRetryTraces(),
      cancellations: duties.cancellations,
      shapeOf: async (id) => (await duties.readGates([id]))[0],
      keepDeadLetter,
      onIssued: () => undefined,
      isOver: async () => false,
    });
  return { duties, campaign, client, user, ticket, relent, job, workWith };
}

const retryingOf = async ({ duties, campaign }: Awaited<ReturnType<typeof refused>>) =>
  (await duties.readGates([campaign]))[0]?.retryingCount;

test('of two workers who bury one ticket the second issued it, and the letter of the first stayed', async (t) => {
  const one = await refused(t, { isSettled: true });
  const { duties, campaign, client, ticket, user, relent, job } = one;
  await duties.retryWork.bury(job, FAILURE, 2);
  expect(await statesOf(campaign)).toEqual(['kept']);
  await relent();
  await duties.retryWork.bury(job, FAILURE, 2);
  // A zombie's attempt ends as well, instead of being tried for ever.
  await duties.retryWork.attempt(job);
  expect([await issued(campaign), await statesOf(campaign)]).toEqual([[], ['kept']]);
  expect(await client.poll(ticket)).toMatchObject({ status: 'failed' });
  expect(await retryingOf(one)).toBe(0);
  const [view] = await duties.readGates([campaign]);
  expect((await duties.gate.outcome(view!, userTag(campaign, user))).outcome).toEqual({
    status: 'failed',
    reason: 'rejected',
  });
});

test('a worker kept the letter of a ticket that another one had issued since its last attempt', async (t) => {
  const one = await refused(t, { isSettled: true });
  const { duties, campaign, client, ticket, user, relent, job, workWith } = one;
  const slow = workWith(async () => {
    await relent();
    await duties.retryWork.attempt(job);
    const keeping = await duties.keepLetter({ ...job, attempts: 2, traceId: null });
    expect(keeping.kind).toBe('issued');
    return keeping;
  });
  await slow.bury(job, FAILURE, 2);
  expect([await issued(campaign), await statesOf(campaign)]).toEqual([[`1 ${user}`], []]);
  await client.untilStatus(ticket, 'issued');
  expect(await retryingOf(one)).toBe(0);
});

test('a worker that died between the letter and the outcome left a ticket `retrying` that the next burying issued', async (t) => {
  const one = await refused(t, { isSettled: true });
  const { duties, campaign, client, ticket, relent, job, workWith } = one;
  const broken = workWith(async () => {
    await duties.keepLetter({ ...job, attempts: 2, traceId: null });
    return dying();
  });
  await expect(broken.bury(job, FAILURE, 2)).rejects.toThrow('died here');
  expect(await client.poll(ticket)).toMatchObject({ status: 'retrying' });
  await relent();
  await duties.retryWork.bury(job, FAILURE, 2);
  expect([await issued(campaign), await statesOf(campaign)]).toEqual([[], ['kept']]);
  expect(await client.poll(ticket)).toMatchObject({ status: 'failed' });
  expect(await retryingOf(one)).toBe(0);
});

test('a ticket was buried before its entry was settled', async (t) => {
  const one = await refused(t, { isSettled: false });
  const { duties, campaign, client, ticket, job } = one;
  const early = duties.retryWork.bury(job, FAILURE, 2);
  await expect(early).rejects.toMatchObject({ code: 'conflict', retryable: true });
  expect(await statesOf(campaign)).toEqual([]);
  duties.issue(campaign);
  await client.untilStatus(ticket, 'retrying');
  await duties.retryWork.bury(job, FAILURE, 2);
  await until('it is failed', 60_000, async () => (await client.poll(ticket)).status === 'failed');
  expect(await retryingOf(one)).toBe(0);
});
