// Work is sharded, stock is not: a ticket's shard and its entry ID follow from its seq alone.

export const shardOf = (seq: number, shards: number): number => seq % shards;

/** The stream entry ID of a ticket: arithmetic instead of a look-up. */
export const entryIdOf = (seq: number): string => `${seq}-0`;

/** No gate gives out more: a higher one, as an id that Redis makes of its clock, is of a stranger's entry. */
export const SEQ_MAX = 10 ** 12 - 1;

const ENTRY_ID = /^[1-9][0-9]{0,11}-0$/;

/** Whether a gate gave this id, by its form. */
export const isEntryId = (id: string): boolean => ENTRY_ID.test(id);

export const seqOf = (entryId: string): number => Number(entryId.slice(0, entryId.indexOf('-')));

/** How many seqs of `shard` lie in (`after`, `before`): both ends excluded. */
export function seqsBetween(shard: number, shards: number, after: number, before: number): number {
  const upTo = (seq: number) => (seq < 0 ? 0 : Math.floor((seq - shard) / shards) + 1);
  return Math.max(0, upTo(before - 1) - upTo(after));
}

/** The first seq of `shard` after `after`. */
export const seqAfter = (shard: number, shards: number, after: number): number =>
  after + 1 + ((((shard - after - 1) % shards) + shards) % shards);
