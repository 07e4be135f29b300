#!lua flags=allow-oom
-- Turns a ticket that failed back into one that is being retried, before its retry is scheduled.
--
-- KEYS: gate users exceptions
-- ARGV: epoch tag
-- RETURNS: 'retrying' (now or before), 'cancelling', 'cancelled', 'issued', 'none' (no exception: issued as promised, or
-- not settled yet) or 'lost' (this user has no place)
--
-- ERRORS: SLUICE_GATE_MISSING, SLUICE_EPOCH, SLUICE_CORRUPT
local gate = KEYS[1]
local users = KEYS[2]
local exceptions = KEYS[3]
local epoch = ARGV[1]
local tag = ARGV[2]

local fields = redis.call('HMGET', gate, 'epoch')
if not fields[1] then return redis.error_reply('SLUICE_GATE_MISSING no gate for this campaign') end
if fields[1] ~= epoch then return redis.error_reply('SLUICE_EPOCH gate is of epoch ' .. fields[1]) end
local packed = redis.call('HGET', users, tag)
if not packed then return 'lost' end
if #packed ~= 16 and #packed ~= 28 then return redis.error_reply('SLUICE_CORRUPT the entry of a user') end
local place = struct.unpack('>I6', packed)
local field = place == 0 and tag or string.format('%.0f', place)

local exception = redis.call('HGET', exceptions, field)
if not exception then return 'none' end
local status = string.match(exception, '^(%l+):')
if status == 'failed' then
  redis.call('HSET', exceptions, field, 'retrying:')
  redis.call('HINCRBY', gate, 'retrying', 1)
  return 'retrying'
end
return status or redis.error_reply('SLUICE_CORRUPT the outcome of a ticket')
