#!lua flags=allow-oom
-- Ends the exception of one ticket that was settled as `retrying`: issued after all, or something final.
--
-- uses: epoch, rebuilding, corrupt, types, place, exception
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

if not (has_type(gate, 'hash') and has_type(users, 'hash') and has_type(exceptions, 'hash') and has_type(free, 'zset')) then
  return corrupt('a key of the campaign has another type')
end
local fields = redis.call('HMGET', gate, 'run_id', 'epoch')
local refusal = epoch_refusal(fields[1] and fields[2], epoch) or rebuild_refusal(fields[1])
if refusal then return refusal end
local packed = redis.call('HGET', users, tag)
if not packed then return 0 end
local place, promised = unpack_place(packed)
if not place then return corrupt('the entry of a user') end
local field = exception_field(place, tag)
if redis.call('HGET', exceptions, field) ~= 'retrying:' then return 0 end

if outcome == 'issued:' .. string.format('%.0f', promised) then
  redis.call('HDEL', exceptions, field)
else
  redis.call('HSET', exceptions, field, outcome)
end
if unit ~= '0' then redis.call('ZADD', free, unit, unit) end
redis.call('HINCRBY', gate, 'retrying', -1)
return 1
