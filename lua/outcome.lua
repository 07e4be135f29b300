#!lua flags=no-writes
-- What became of the ticket of one user, asked only when memory cannot tell.
--
-- KEYS: gate users exceptions work[shards]
-- ARGV: group shards tag epoch
-- RETURNS: status place unit
--
-- status  'lost' (this user holds no ticket), 'queued', 'settled' (issued as promised) or the exceptional outcome
-- place   the seq at which the ticket stands; 0 when it was settled before this gate was rebuilt
-- unit    the unit it stands for
-- ERRORS: SLUICE_GATE_MISSING, SLUICE_EPOCH
local gate = KEYS[1]
local users = KEYS[2]
local exceptions = KEYS[3]
local group = ARGV[1]
local shards = tonumber(ARGV[2])
local tag = ARGV[3]
local epoch = ARGV[4]

local its_epoch = redis.call('HGET', gate, 'epoch')
if not its_epoch then return redis.error_reply('SLUICE_GATE_MISSING no gate for this campaign') end
if its_epoch ~= epoch then return redis.error_reply('SLUICE_EPOCH gate is of epoch ' .. its_epoch) end
local packed = redis.call('HGET', users, tag)
if not packed then return {'lost', 0, 0} end
local place, unit = struct.unpack('>I6I4', packed)

local exception = redis.call('HGET', exceptions, place > 0 and string.format('%.0f', place) or tag)
if exception then return {exception, place, unit} end
if place == 0 then return {'settled', place, unit} end
local shard = place % shards
local watermark = redis.call('HGET', gate, 'watermark:' .. shard)
if place <= tonumber(watermark or '0') then return {'settled', place, unit} end

local work, id = KEYS[4 + shard], string.format('%.0f-0', place)
if redis.call('EXISTS', work) == 0 then return {'queued', place, unit} end
local groups = redis.call('XINFO', 'GROUPS', work)
for g = 1, #groups do
  local info = {}
  for f = 1, #groups[g], 2 do info[groups[g][f]] = groups[g][f + 1] end
  if info['name'] == group and tonumber(string.match(info['last-delivered-id'], '^(%d+)-')) >= place then
    local pending = redis.call('XPENDING', work, group, id, id, 1)
    -- Beyond the watermark an acked entry is still there. One that is not was deleted by somebody: nothing is settled.
    local acked = #pending == 0 and #redis.call('XRANGE', work, id, id) > 0
    return {acked and 'settled' or 'queued', place, unit}
  end
end
return {'queued', place, unit}
