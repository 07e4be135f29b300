// One contender under load for one round: the rate, the CPU per request of every process behind it, and that it was honest.
import { type Pids, withCpu } from './cpu.ts';
import type { Context, Sample } from './figure.ts';
import { type Load, runLoad, sampleStatuses } from './load.ts';
import { type Front, joinPath } from './sluice.ts';

/** Room a campaign gets beyond the joins expected in a round, so that no round sells out. */
const STOCK_ROOM = 1.6;
const STOCK_SPARE = 20_000;
/** No front of this kind is faster on one core; sizes the campaign of a first, unknown round. */
const RATE_MAX = 100_000;

/** Joins/s assumed when a campaign is to be filled; a low guess costs a further load. */
const FILL_RATE = 40_000;
const FILL_ATTEMPTS_MAX = 50;

export type Target = Pick<Load, 'port' | 'method' | 'paths' | 'crowd' | 'tokensFile'>;

/** `anything` is for warming up, where a cold process may still shed load. */
type Expected = 'accepted' | 'refused' | 'anything';

/**
 * Loads `target` for `seconds`. Throws unless every answer was below 400 (`accepted`) or none was (`refused`): a rate of
 * wrong answers is no rate.
 */
export async function underLoad(
  { connections, stand }: Pick<Context, 'connections' | 'stand'>,
  target: Target,
  pids: Pids,
  seconds: number,
  expected: Expected = 'accepted',
): Promise<Sample> {
  const load = { ...target, connections, seconds };
  const { result, micros, busy } = await withCpu(pids, () => runLoad(load, stand.folder));
  const wrongCount = expected === 'accepted' ? result.refusedCount : result.requests - result.refusedCount;
  if (expected !== 'anything' && (wrongCount > 0 || result.brokenCount > 0 || result.requests === 0)) {
    const statuses = JSON.stringify(await sampleStatuses(load));
    const { requests, brokenCount } = result;
    throw new Error(
      `of ${requests} answers ${wrongCount} were not ${expected}, ${brokenCount} connections broke; a sample afterwards: ${statuses}`,
    );
  }
  const { requests, ratePerSecond, p50Ms, p99Ms } = result;
  const sample: Sample = { requests, ratePerSecond, p50Ms, p99Ms };
  for (const [part, used] of Object.entries(micros)) sample[`${part}CpuUs`] = used / requests;
  return { ...sample, contenderCoreBusy: busy.contender, storesCoreBusy: busy.stores };
}

/** Rounds of joins on a Sluice front: a fresh campaign each, large enough; admissions are counted against the answers. */
export async function openJoins(context: Context, front: Front, pids: Pids): Promise<() => Promise<Sample>> {
  const { stand, connections, seconds, warmSeconds } = context;
  let ratePerSecond = RATE_MAX;
  const join = async (forSeconds: number, expected: Expected): Promise<Sample> => {
    const id = stand.freshName('joins');
    await front.createCampaign({ id, stock: Math.ceil(ratePerSecond * forSeconds * STOCK_ROOM) + STOCK_SPARE });
    const target: Target = { port: front.port, method: 'POST', paths: [joinPath(id)], crowd: id };
    const sample = await underLoad(context, target, pids, forSeconds, expected);
    const { admitted } = await front.counts(id);
    const answered = sample.requests!;
    if (expected === 'accepted' && (admitted < answered || admitted > answered + connections)) {
      throw new Error(`${answered} joins were answered, but ${admitted} users were admitted`);
    }
    return sample;
  };
  const warm = await join(warmSeconds, 'anything');
  ratePerSecond = warm.ratePerSecond!;
  return async () => {
    const sample = await join(seconds, 'accepted');
    ratePerSecond = Math.max(ratePerSecond, sample.ratePerSecond!);
    return sample;
  };
}

/**
 * The same for users who come with bearer tokens, the same in each round, one join each. The front knows all tokens before
 * the first round: what it takes to check a signature is not what is compared.
 */
export async function openTokenJoins(
  context: Context,
  front: Front,
  pids: Pids,
  tokens: { file: string; count: number },
): Promise<() => Promise<Sample>> {
  const join = async (forSeconds: number, expected: Expected): Promise<Sample> => {
    const id = context.stand.freshName('token-joins');
    await front.createCampaign({ id, stock: tokens.count });
    const target: Target = { port: front.port, method: 'POST', paths: [joinPath(id)], tokensFile: tokens.file };
    return await underLoad(context, target, pids, forSeconds, expected);
  };
  let sentCount = 0;
  for (let load = 0; load < FILL_ATTEMPTS_MAX && sentCount < tokens.count; load += 1) {
    sentCount = Math.max(sentCount, (await join(2 * context.warmSeconds, 'anything')).requests!);
  }
  return () => join(context.seconds, 'accepted');
}

/** Joins a crowd until `ticketCount` users are admitted, or the few more that a load cannot be stopped in time for. */
export async function fill(context: Context, campaign: string, ticketCount: number, front?: Front): Promise<void> {
  const { stand, connections } = context;
  const target = front ?? (await stand.front());
  const paths = [joinPath(campaign)];
  for (let attempt = 1; attempt <= FILL_ATTEMPTS_MAX; attempt += 1) {
    const { admitted } = await target.counts(campaign);
    if (admitted >= ticketCount) return;
    const crowd = `${campaign}-${attempt}`;
    const seconds = Math.max(0.02, (ticketCount - admitted) / FILL_RATE);
    await runLoad({ port: target.port, method: 'POST', paths, crowd, connections, seconds }, stand.folder);
  }
  throw new Error(`${campaign} had not ${ticketCount} tickets after ${FILL_ATTEMPTS_MAX} loads`);
}
