// Open-loop load for the figures of what goes wrong: requests leave when they are due, whatever became of those before.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Shot, type SteadyLoad, steadyLoad } from '../test/helpers/steady-load.ts';
import type { Owner } from '../test/helpers/tcp-proxy.ts';
import { type Front, joinPath } from './sluice.ts';

/** What closes with `stack`, for what the tests share with the bench. */
export const ownerOf = (stack: AsyncDisposableStack): Owner => ({
  onTestFinished: (close) => stack.defer(async () => close()),
});

export interface Crowd {
  joins: SteadyLoad;
  /** Of one ticket that waits. */
  polls: SteadyLoad;
  /** Ends both, and waits for what is under way. */
  stop: () => Promise<void>;
}

/** Joins of ever new users and polls of one waiting ticket of `campaign`, each so many a second. */
export async function openCrowd(
  owner: Owner,
  front: Front,
  campaign: string,
  rates: { joins: number; polls: number },
): Promise<Crowd> {
  const ticket = await front.join(campaign, `first-${performance.now()}`);
  const url = `http://127.0.0.1:${front.port}`;
  const crowd = `crowd-${performance.now()}`;
  const joins = steadyLoad(owner, url, rates.joins, (n) => ({
    method: 'POST',
    path: joinPath(campaign),
    headers: { 'x-user-id': `${crowd}-${n}` },
  }));
  const polls = steadyLoad(owner, url, rates.polls, () => ({ method: 'GET', path: `/v1/tickets/${ticket}` }));
  return { joins, polls, stop: async () => void (await Promise.all([joins.stop(), polls.stop()])) };
}

/** Throws unless each of them was answered with one of these: a time of wrong answers is none. */
export function expectStatuses(what: string, shots: readonly Shot[], statuses: readonly number[]): void {
  const wrong = shots.find(({ status }) => !statuses.includes(status));
  if (shots.length === 0) throw new Error(`no ${what}`);
  if (wrong !== undefined) throw new Error(`one of ${shots.length} ${what} was ${wrong.status}: ${String(wrong.body)}`);
}

export async function untilSo(what: string, withinMs: number, condition: () => boolean): Promise<void> {
  for (const deadline = performance.now() + withinMs; !condition(); await sleep(10)) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
  }
}

export const residentMb = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? Number.NaN) / 1_024;
