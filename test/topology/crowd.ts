// A crowd that joins while something breaks, and what must be true of the answers it got.
import { expect, type TestContext } from 'vitest';
import { until } from '../helpers/until.ts';
import type { TestFront } from '../http/front.ts';
import type { OwnDatabase } from '../ledger/own-database.ts';

export interface Shot {
  user: string;
  status: number;
  ticket: string;
  /** Of the performance clock. */
  answeredAt: number;
  tookMs: number;
}

export interface Crowd {
  shots: Shot[];
  failures: () => Shot[];
  acknowledged: () => Shot[];
  /** How many were admitted since the last failure. */
  servedInARow: () => number;
  stop: () => Promise<void>;
}

/** Ever new users join `campaign`, `width` at a time; one who meets a failure leaves, and the next comes a little later. */
export function startCrowd(
  t: TestContext,
  front: TestFront,
  campaign: string,
  { width = 6, name = 'user' } = {},
): Crowd {
  const shots: Shot[] = [];
  let isOver = false;
  let next = 0;
  const one = async () => {
    while (!isOver) {
      const user = `${name}-${next++}`;
      const askedAt = performance.now();
      const { status, body } = await front.join(campaign, user);
      const answeredAt = performance.now();
      shots.push({ user, status, ticket: body.ticket, answeredAt, tookMs: answeredAt - askedAt });
      await new Promise((resolve) => setTimeout(resolve, isTold(status) ? 10 : 25));
    }
  };
  const joining = Promise.all(Array.from({ length: width }, one));
  joining.catch(() => undefined);
  const stop = async () => {
    isOver = true;
    await joining;
  };
  t.onTestFinished(stop);
  return {
    shots,
    failures: () => shots.filter(({ status }) => !isTold(status)),
    acknowledged: () => shots.filter(({ status }) => isTold(status)),
    servedInARow: () => shots.length - 1 - shots.findLastIndex(({ status }) => !isTold(status)),
    stop,
  };
}

/** Admitted, or known from a join whose answer was lost. */
const isTold = (status: number): boolean => status === 202 || status === 200;

/** From the first failure to the first success after the last one: a recovery that did not last counts as outage. */
export function outageMs({ shots }: Crowd): number {
  const inOrder = shots.toSorted((a, b) => a.answeredAt - b.answeredAt);
  const first = inOrder.findIndex(({ status }) => !isTold(status));
  if (first < 0) return 0;
  const last = inOrder.findLastIndex(({ status }) => !isTold(status));
  const again = inOrder[last + 1];
  if (again === undefined) throw new Error('the outage has not ended');
  return again.answeredAt - inOrder[first]!.answeredAt;
}

/** Everybody asks again: who was told of a ticket has it, and no two have the same place. */
export async function expectNothingLost(front: TestFront, campaign: string, { shots }: Crowd): Promise<void> {
  const seqs: unknown[] = [];
  const lost: string[] = [];
  const askAgain = async ({ user, status, ticket }: Shot) => {
    const again = await until(`an answer to ${user}`, 10_000, async () => {
      const answer = await front.join(campaign, user);
      return answer.status === 503 ? undefined : answer;
    });
    if (isTold(status) && (again.status !== 200 || again.body.ticket !== ticket)) lost.push(user);
    seqs.push(again.body.seq);
  };
  for (let at = 0; at < shots.length; at += 50) await Promise.all(shots.slice(at, at + 50).map(askAgain));
  expect(lost, 'tickets that were acknowledged and are gone').toEqual([]);
  expect(new Set(seqs).size).toBe(shots.length);
}

/** Every ticket of the campaign becomes one row. */
export async function expectIssued(database: OwnDatabase, campaign: string, { shots }: Crowd): Promise<void> {
  const rows = () => database.sql('SELECT user FROM issuances WHERE campaign = ?', [campaign]);
  await until('all tickets are issued', 30_000, async () => (await rows()).length >= shots.length);
  const issued = await rows();
  expect(new Set(issued.map(({ user }) => user))).toEqual(new Set(shots.map(({ user }) => user)));
  expect(issued.length).toBe(shots.length);
}
