#!lua
-- Takes over the ledger's settings of a campaign if they are newer than the gate's. A gate that is missing is made only
-- when the caller knows that there never was one: an empty gate in place of a lost one would sell the stock again.
--
-- uses: run, corrupt, bucket
-- KEYS: gate
-- ARGV: version epoch create shards (field value)[settings]
-- RETURNS: 'projected', 'current' (the gate has this version or a newer one) or 'missing'
-- ERRORS: SLUICE_CORRUPT
local gate = KEYS[1]
local version = ARGV[1]
local epoch = ARGV[2]
local create = ARGV[3]
local shards = ARGV[4]

local settings = {}
for i = 5, #ARGV, 2 do settings[ARGV[i]] = ARGV[i + 1] end
for field, value in pairs(settings) do
  if field ~= 'state' and field ~= 'name' and not string.match(value, '^%d+$') then
    return corrupt('the setting ' .. field .. ' is no integer')
  end
end
for i = 1, 4 do
  if not string.match(ARGV[i], '^%d+$') then return corrupt('argument ' .. i .. ' is no integer') end
end

local missing = redis.call('TYPE', gate).ok == 'none'
if missing and create ~= '1' then return 'missing' end
if not missing then
  local current = redis.call('HMGET', gate, 'version', 'shards', 'buckets')
  if not current[1] then return 'missing' end -- it is being rebuilt, and hears of this once it is open
  if tonumber(current[1]) >= tonumber(version) then return 'current' end
  if current[2] ~= shards or current[3] ~= settings.buckets then
    return corrupt('shards and buckets of a gate never change')
  end
end

for field, value in pairs(settings) do redis.call('HSET', gate, field, value) end
if missing then
  local time = redis.call('TIME')
  redis.call('HSET', gate, 'epoch', epoch, 'epochs', epoch .. ':0', 'recovering_until', 0,
    'run_id', server_run_id(), 'shards', shards, 'seq', 0, 'next_unit', 0,
    'settled', 0, 'retrying', 0, 'bucket_level', tonumber(settings.burst) * TOKEN,
    'bucket_at', tonumber(time[1]) * 1000000 + tonumber(time[2]))
end
return 'projected'
