// What a gate lets another broker know: how far its entries have been carried, and which of them still wait for a worker.
import { isFault } from '../../domain/fault.ts';
import { entryIdOf, seqOf } from '../../domain/shard.ts';
import { type RedisClient, redisFault, rethrow } from '../../redis/connection.ts';
import { GROUP, keys } from '../../redis/keys.ts';
import { loadScript, runScript } from '../../redis/scripts.ts';
import type { SettledBatch } from '../port.ts';

const claim = loadScript('claim');
const mark = loadScript('mark-carried');

/**
 * Takes carried entries into the hands of the worker `consumer`. Returns the seqs that wait; the others are settled, given
 * back, or of a gate that is no more. Throws a retryable Fault while Redis is away.
 */
export async function claimCarried(redis: RedisClient, consumer: string, batch: SettledBatch): Promise<Set<number>> {
  const { campaign, epoch, shard, entries } = batch;
  const args = [GROUP, epoch, consumer, entries.length, ...entries.map(({ seq }) => entryIdOf(seq))];
  try {
    const ids = await runScript(redis, claim, [keys.gate(campaign), keys.work(campaign, shard)], args);
    return new Set((ids as string[]).map(seqOf));
  } catch (error) {
    const fault = redisFault(error);
    // A gate that is gone, shut or without its group is opened under a new epoch or with a new group: all is carried again.
    const isVoid = isFault(fault, 'stale-epoch') || isFault(fault, 'gate-missing') || isFault(fault, 'gate-unverified');
    if (isVoid || String(error).includes('NOGROUP')) return new Set();
    throw fault;
  }
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
