#!lua flags=allow-oom
-- Turns a ticket that failed back into one that is being retried, before its retry is scheduled.
--
-- uses: epoch, corrupt, place, exception
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

local refusal = epoch_refusal(redis.call('HGET', gate, 'epoch'), epoch)
if refusal then return refusal end
local packed = redis.call('HGET', users, tag)
if not packed then return 'lost' end
local place = unpack_place(packed)
if not place then return corrupt('the entry of a user') end
local field = exception_field(place, tag)

local exception = redis.call('HGET', exceptions, field)
if not exception then return 'none' end
local status = string.match(exception, '^(%l+):')
if status == 'failed' then
  redis.call('HSET', exceptions, field, 'retrying:')
  redis.call('HINCRBY', gate, 'retrying', 1)
  return 'retrying'
end
return status or corrupt('the outcome of a ticket')
