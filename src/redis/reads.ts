// Many reads at once.
import { Cluster } from 'ioredis';
import { type RedisClient, redisFault } from './connection.ts';

/** A command that only reads, with its arguments. */
export type Read = readonly [command: string, ...args: (string | number)[]];

/**
 * The replies in the order of the reads, a Fault in place of one that failed; never rejects. One server gets them in
 * one write. To a Cluster each goes by itself: keys of several nodes fit into no pipeline, and one whose first key has
 * just moved is repeated as a whole where the other keys have not arrived yet, which then read as if they were gone.
 */
export async function readAll(redis: RedisClient, reads: readonly Read[]): Promise<unknown[]> {
  if (redis instanceof Cluster) {
    return Promise.all(reads.map(([command, ...args]) => redis.call(command, ...args).catch(redisFault)));
  }
  try {
    const replies = await redis.pipeline(reads.map((read) => [...read])).exec();
    return replies!.map(([error, reply]) => (error === null ? reply : redisFault(error)));
  } catch (error) {
    const fault = redisFault(error);
    return reads.map(() => fault);
  }
}

/** The same, for who can do nothing with a part: throws the first Fault. */
export async function readWhole(redis: RedisClient, reads: readonly Read[]): Promise<unknown[]> {
  const replies = await readAll(redis, reads);
  const fault = replies.find((reply) => reply instanceof Error);
  if (fault !== undefined) throw fault;
  return replies;
}
