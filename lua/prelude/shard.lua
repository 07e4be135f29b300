-- The arithmetic of shards, as in src/domain/shard.ts: a seq is of shard seq mod shards, and the first seq is 1.

-- How many seqs of a shard have been given out when `seq` was the last of all.
local function seqs_of_shard(shard, shards, seq)
  return seq < shard and 0 or math.floor((seq - shard) / shards) + (shard > 0 and 1 or 0)
end
