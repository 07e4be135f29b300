#!lua
-- Deletes consumers of one shard that hold nothing and have been silent for long. A consumer with pending entries is
-- never deleted: Redis would drop them with it.
--
-- KEYS: work
-- ARGV: group idle
-- RETURNS: how many consumers were deleted
--
-- idle  ms of silence after which a consumer is gone
local work = KEYS[1]
local group = ARGV[1]
local idle = tonumber(ARGV[2])

if redis.call('EXISTS', work) == 0 then return 0 end
local consumers = redis.call('XINFO', 'CONSUMERS', work, group)
local deleted = 0
for c = 1, #consumers do
  local info = {}
  for f = 1, #consumers[c], 2 do info[consumers[c][f]] = consumers[c][f + 1] end
  if info['pending'] == 0 and info['idle'] > idle then
    redis.call('XGROUP', 'DELCONSUMER', work, group, info['name'])
    deleted = deleted + 1
  end
end
return deleted
