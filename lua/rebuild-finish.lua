#!lua flags=allow-oom
-- Opens a rebuilt gate. Every entry that survived in its streams is delivered once more.
--
-- uses: run, builder, corrupt, shard, turns
-- KEYS: gate turns work[shards]
-- ARGV: epoch builder group seq next_unit retrying cancelled epochs grace shards campaign (field value)[settings]
-- RETURNS: how many entries survived
--
-- epochs  where each epoch began, see domain/epochs.ts
-- grace   ms in which only holders of lost tickets are admitted
-- ERRORS: SLUICE_EPOCH (another builder works on this gate, or its server was started again),
--         SLUICE_CORRUPT (entries came while it was built: begin again)
local gate = KEYS[1]
local turns = KEYS[2]
local epoch = ARGV[1]
local builder = ARGV[2]
local group = ARGV[3]
local seq = tonumber(ARGV[4])
local next_unit = ARGV[5]
local retrying = ARGV[6]
local cancelled = ARGV[7]
local epochs = ARGV[8]
local grace = tonumber(ARGV[9])
local shards = tonumber(ARGV[10])
local campaign = ARGV[11]

local refusal = builder_refusal(gate, epoch, builder)
if refusal then return refusal end
for k = 0, shards - 1 do
  local last = redis.call('XREVRANGE', KEYS[3 + k], '+', '-', 'COUNT', 1)[1]
  if last and tonumber(string.match(last[1], '^(%d+)-')) > seq then
    return corrupt('a work stream is ahead of the rebuilt gate')
  end
end

-- Of the last id that the stream ever had, deleted entries among them.
local function last_seq(work)
  local told = redis.call('XINFO', 'STREAM', work)
  for i = 1, #told, 2 do
    if told[i] == 'last-generated-id' then return tonumber(string.match(told[i + 1], '^(%d+)-')) end
  end
end

local survived = 0
for k = 0, shards - 1 do
  local work = KEYS[3 + k]
  if redis.call('XLEN', work) == 0 then
    redis.call('DEL', work) -- with the last id it ever had: a stranger's may be so high that no seq comes after it
  elseif last_seq(work) > seq then
    -- The last id is of a stranger's entry, which was deleted. Newer servers refuse to set it back (XSETID), so the
    -- entries that are left are written into a stream that never had it.
    local entries = redis.call('XRANGE', work, '-', '+')
    redis.call('DEL', work)
    for _, entry in ipairs(entries) do redis.call('XADD', work, entry[1], unpack(entry[2])) end
  else
    redis.call('XGROUP', 'DESTROY', work, group)
  end
  redis.call('XGROUP', 'CREATE', work, group, '0', 'MKSTREAM')
  local first = redis.call('XRANGE', work, '-', '+', 'COUNT', 1)[1]
  local entries = redis.call('XLEN', work)
  local watermark = first and tonumber(string.match(first[1], '^(%d+)-')) - 1 or seq
  survived = survived + entries
  redis.call('HSET', gate, 'watermark:' .. k, watermark, 'acked:' .. k, watermark, 'settled:' .. k,
    seqs_of_shard(k, shards, seq) - entries)
end
local time = redis.call('TIME')
local now_us = tonumber(time[1]) * 1000000 + tonumber(time[2])
for i = 12, #ARGV, 2 do redis.call('HSET', gate, ARGV[i], ARGV[i + 1]) end
redis.call('HSET', gate, 'shards', shards, 'seq', seq, 'next_unit', next_unit, 'settled', seq - survived,
  'retrying', retrying, 'cancelled', cancelled, 'bucket_level', 0, 'bucket_at', now_us, 'epochs', epochs,
  'recovering_until', math.floor(now_us / 1000) + grace, 'grace', grace, 'run_id', server_run_id())
redis.call('HDEL', gate, 'builder', 'built_unit', 'built_run_id')
if survived > 0 then arrive(turns, campaign) else leave_line(turns, campaign) end
return survived
