#!lua
-- Takes over the ledger's settings of a campaign if they are newer than the gate's. A gate that is missing is made only
-- when the caller knows that there never was one: an empty gate in place of a lost one would sell the stock again.
--
-- KEYS: gate
-- ARGV: version epoch create state opens_at closes_at stock rate burst backlog_max shards buckets name
-- RETURNS: 'projected', 'current' (the gate has this version or a newer one) or 'missing'
-- ERRORS: SLUICE_CORRUPT
local gate = KEYS[1]
local version = ARGV[1]
local epoch = ARGV[2]
local create = ARGV[3]
local state = ARGV[4]
local opens_at = ARGV[5]
local closes_at = ARGV[6]
local stock = ARGV[7]
local rate = ARGV[8]
local burst = ARGV[9]
local backlog_max = ARGV[10]
local shards = ARGV[11]
local buckets = ARGV[12]
local name = ARGV[13]

for i = 1, 12 do
  if i ~= 4 and not string.match(ARGV[i], '^%d+$') then
    return redis.error_reply('SLUICE_CORRUPT argument ' .. i .. ' is no integer')
  end
end

local missing = redis.call('TYPE', gate).ok == 'none'
if missing and create ~= '1' then return 'missing' end
if not missing then
  local current = redis.call('HMGET', gate, 'version', 'shards', 'buckets')
  if tonumber(current[1]) >= tonumber(version) then return 'current' end
  if current[2] ~= shards or current[3] ~= buckets then
    return redis.error_reply('SLUICE_CORRUPT shards and buckets of a gate never change')
  end
end

redis.call('HSET', gate, 'version', version, 'state', state, 'opens_at', opens_at, 'closes_at', closes_at,
  'stock', stock, 'rate', rate, 'burst', burst, 'backlog_max', backlog_max, 'name', name)
if missing then
  local time = redis.call('TIME')
  redis.call('HSET', gate, 'epoch', epoch, 'shards', shards, 'buckets', buckets, 'seq', 0, 'next_unit', 0,
    'settled', 0, 'retrying', 0, 'bucket_level', tonumber(burst) * 1000000,
    'bucket_at', tonumber(time[1]) * 1000000 + tonumber(time[2]))
end
return 'projected'
