#!lua flags=allow-oom
-- Ends the exception of one ticket that was settled as `retrying`: issued after all, or something final.
--
-- KEYS: gate users exceptions free
-- ARGV: epoch tag outcome unit
-- RETURNS: 1 when the exception changed, 0 when it was no longer `retrying` (somebody else resolved it)
--
-- epoch    of the gate that the caller knows: a rebuilt gate may have given the unit to somebody else
-- outcome  the final outcome; one that says the unit of the ticket's place needs no exception
-- unit     the unit that goes back to the free units with this outcome, 0 for none
-- ERRORS: SLUICE_CORRUPT, SLUICE_GATE_MISSING, SLUICE_EPOCH, SLUICE_UNVERIFIED
local gate = KEYS[1]
local users = KEYS[2]
local exceptions = KEYS[3]
local free = KEYS[4]
local epoch = ARGV[1]
local tag = ARGV[2]
local outcome = ARGV[3]
local unit = ARGV[4]

local function has_type(key, wanted)
  local kind = redis.call('TYPE', key).ok
  return kind == wanted or kind == 'none'
end
if not (has_type(gate, 'hash') and has_type(users, 'hash') and has_type(exceptions, 'hash') and has_type(free, 'zset')) then
  return redis.error_reply('SLUICE_CORRUPT a key of the campaign has another type')
end
local fields = redis.call('HMGET', gate, 'run_id', 'epoch')
if not fields[1] then return redis.error_reply('SLUICE_GATE_MISSING no gate for this campaign') end
if fields[2] ~= epoch then return redis.error_reply('SLUICE_EPOCH gate is of epoch ' .. fields[2]) end
if fields[1] == '' then return redis.error_reply('SLUICE_UNVERIFIED the gate is being rebuilt') end
local packed = redis.call('HGET', users, tag)
if not packed then return 0 end
local place, promised = struct.unpack('>I6I4', packed)
local field = place > 0 and string.format('%.0f', place) or tag
if redis.call('HGET', exceptions, field) ~= 'retrying:' then return 0 end

if outcome == 'issued:' .. string.format('%.0f', promised) then
  redis.call('HDEL', exceptions, field)
else
  redis.call('HSET', exceptions, field, outcome)
end
if unit ~= '0' then redis.call('ZADD', free, unit, unit) end
redis.call('HINCRBY', gate, 'retrying', -1)
return 1
