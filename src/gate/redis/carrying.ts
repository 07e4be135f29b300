// What a gate lets another broker know: how far its entries have been carried, and which of them still wait for a worker.
import { isFault } from '../../domain/fault.ts';
import { type RedisClient, redisFault, rethrow } from '../../redis/connection.ts';
import { GROUP, keys } from '../../redis/keys.ts';
import { loadScript, runScript } from '../../redis/scripts.ts';
import type { SettledBatch } from '../port.ts';

const claim = loadScript('claim');
const mark = loadScript('mark-carried');

/** Carried entries of shards of one gate, from a seq to another, both included. */
interface CarriedSpans {
  campaign: string;
  epoch: number;
  spans: readonly { shard: number; first: number; last: number }[];
}

/**
 * Notes that a worker has these entries. Returns for each span which seqs of it wait; the others are settled, given back, or
 * of a gate that is no more. Throws a retryable Fault while Redis is away.
 */
export async function claimCarried(
  redis: RedisClient,
  { campaign, epoch, spans }: CarriedSpans,
): Promise<((seq: number) => boolean)[]> {
  const works = spans.map(({ shard }) => keys.work(campaign, shard));
  const args = [GROUP, epoch, spans.length, ...spans.flatMap(({ shard, first, last }) => [shard, first, last])];
  try {
    const [step, ...found] = (await runScript(redis, claim, [keys.gate(campaign), ...works], args)) as [
      number,
      ...number[][],
    ];
    return found.map((runs) => (seq) => isIn(runs, seq, step));
  } catch (error) {
    const fault = redisFault(error);
    // A gate that is gone or shut is opened under a new epoch: all that it had is carried again.
    const isVoid = isFault(fault, 'stale-epoch') || isFault(fault, 'gate-missing') || isFault(fault, 'gate-unverified');
    if (isVoid) return spans.map(() => () => false);
    throw fault;
  }
}

/** `runs` is a flat list of first and last seqs, in steps. */
function isIn(runs: readonly number[], seq: number, step: number): boolean {
  for (let run = 0; run < runs.length; run += 2) {
    const [from, to] = [runs[run]!, runs[run + 1]!];
    if (seq <= to) return seq >= from && (seq - from) % step === 0;
  }
  return false;
}

/** The seq up to which the entries of each shard were carried in this epoch; 0 for none. Throws a Fault. */
export async function readCarriedTo(
  redis: RedisClient,
  { campaign, epoch, shards }: { campaign: string; epoch: number; shards: number },
): Promise<number[]> {
  const fields = Array.from({ length: shards }, (_, shard) => `carried:${shard}`);
  const texts = await redis.hmget(keys.gate(campaign), ...fields).catch(rethrow);
  return texts.map((text) => {
    const [, its, seq] = /^(\d+) (\d+)$/.exec(text ?? '') ?? [];
    return Number(its) === epoch ? Number(seq) : 0;
  });
}

/** Notes that all entries of the batch's shard up to its last one were carried. Throws a Fault. */
export async function noteCarriedTo(
  redis: RedisClient,
  { campaign, epoch, shard, entries }: SettledBatch,
): Promise<void> {
  const last = entries.at(-1)!.seq;
  await runScript(redis, mark, [keys.gate(campaign)], [epoch, shard, last]).catch(rethrow);
}
