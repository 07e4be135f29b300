// Work is sharded, stock is not: a ticket's shard and its entry ID follow from its seq alone.

export const shardOf = (seq: number, shards: number): number => seq % shards;

/** The stream entry ID of a ticket: arithmetic instead of a look-up. */
export const entryIdOf = (seq: number): string => `${seq}-0`;

export const seqOf = (entryId: string): number => Number(entryId.slice(0, entryId.indexOf('-')));

/** How many seqs of `shard` lie in (`after`, `before`): both ends excluded. */
export function seqsBetween(shard: number, shards: number, after: number, before: number): number {
  const upTo = (seq: number) => (seq < 0 ? 0 : Math.floor((seq - shard) / shards) + 1);
  return Math.max(0, upTo(before - 1) - upTo(after));
}
