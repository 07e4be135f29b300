// Buyers of one campaign, over HTTP as they come.
import { setTimeout as sleep } from 'node:timers/promises';
import { percentile } from '../../src/rehearsal/percentiles.ts';
import type { Front } from '../sluice.ts';

const POLL_MS = 2;
const CROWD = 32;

/** A front on a machine that does much else sheds load: then the buyer asks again, and the time counts. */
async function join(front: Front, campaign: string, user: string): Promise<string> {
  for (;;) {
    try {
      return await front.join(campaign, user);
    } catch {
      await sleep(POLL_MS);
    }
  }
}

/** Times of buyers who came one after the other, each until the coupon was there, ms. */
export interface Bought {
  joinMs: number[];
  issuedMs: number[];
}

export async function buy(front: Front, campaign: string, count: number, prefix = 'buyer'): Promise<Bought> {
  const [joinMs, issuedMs]: [number[], number[]] = [[], []];
  for (let buyer = 0; buyer < count; buyer += 1) {
    const askedAt = performance.now();
    const ticket = await join(front, campaign, `${prefix}-${buyer}`);
    joinMs.push(performance.now() - askedAt);
    for (let status = ''; status !== 'issued'; await sleep(POLL_MS)) {
      const answer = await fetch(`http://127.0.0.1:${front.port}/v1/tickets/${ticket}`);
      ({ status } = (await answer.json()) as { status: string });
    }
    issuedMs.push(performance.now() - askedAt);
  }
  return { joinMs, issuedMs };
}

/** Joins of a crowd that comes at once. */
export async function fill(front: Front, campaign: string, count: number): Promise<void> {
  let next = 0;
  const joinAll = async () => {
    while (next < count) await join(front, campaign, `crowd-${next++}`);
  };
  await Promise.all(Array.from({ length: CROWD }, joinAll));
}

/** Waits until fewer than `count` tickets of the campaign wait. */
export async function untilFewer(front: Front, campaign: string, count: number): Promise<void> {
  while ((await front.counts(campaign)).backlog >= count) await sleep(POLL_MS);
}

export const ms = (times: readonly number[], share: number): string => percentile(times, share)!.toFixed(1);
