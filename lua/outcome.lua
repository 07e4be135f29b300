#!lua flags=no-writes
-- What became of one ticket, asked only when memory cannot tell.
--
-- KEYS: gate users exceptions work
-- ARGV: group shard seq tag epoch
-- RETURNS: 'lost' (this user holds no such ticket), 'queued', 'settled' (issued as promised) or the exceptional outcome
--
-- ERRORS: SLUICE_GATE_MISSING, SLUICE_EPOCH
local gate = KEYS[1]
local users = KEYS[2]
local exceptions = KEYS[3]
local work = KEYS[4]
local group = ARGV[1]
local shard = ARGV[2]
local seq = ARGV[3]
local tag = ARGV[4]
local epoch = ARGV[5]

local fields = redis.call('HMGET', gate, 'epoch', 'watermark:' .. shard)
if not fields[1] then return redis.error_reply('SLUICE_GATE_MISSING no gate for this campaign') end
if fields[1] ~= epoch then return redis.error_reply('SLUICE_EPOCH gate is of epoch ' .. fields[1]) end
local packed = redis.call('HGET', users, tag)
if not packed or struct.unpack('>I6', packed) ~= tonumber(seq) then return 'lost' end

local exception = redis.call('HGET', exceptions, seq)
if exception then return exception end
if tonumber(seq) <= tonumber(fields[2] or '0') then return 'settled' end

if redis.call('EXISTS', work) == 0 then return 'queued' end
local groups = redis.call('XINFO', 'GROUPS', work)
for g = 1, #groups do
  local info = {}
  for f = 1, #groups[g], 2 do info[groups[g][f]] = groups[g][f + 1] end
  if info['name'] == group and tonumber(string.match(info['last-delivered-id'], '^(%d+)-')) >= tonumber(seq) then
    local pending = redis.call('XPENDING', work, group, seq .. '-0', seq .. '-0', 1)
    return #pending > 0 and 'queued' or 'settled'
  end
end
return 'queued'
