#!lua flags=allow-oom
-- Shows in the gate what the ledger has decided: this ticket is cancelled, and its unit is free again. Once, whoever
-- asks it and how often.
--
-- uses: epoch, corrupt, types, place, exception, told
-- KEYS: gate users exceptions free cancelled
-- ARGV: epoch tag seq unit
-- RETURNS: 1 when it was not cancelled before, else 0
--
-- tag   the user's; empty for a dead letter that nobody could read, which is known by its seq alone
-- seq   used only without a tag
-- unit  the unit that goes back; 0 for none, empty for the one that the gate gave to this user
-- ERRORS: SLUICE_GATE_MISSING, SLUICE_EPOCH, SLUICE_CORRUPT
local gate = KEYS[1]
local users = KEYS[2]
local exceptions = KEYS[3]
local free = KEYS[4]
local cancelled = KEYS[5]
local epoch = ARGV[1]
local tag = ARGV[2]
local seq = ARGV[3]
local unit = ARGV[4]

local fields = redis.call('HMGET', gate, 'epoch')
local refusal = epoch_refusal(fields[1], epoch)
if refusal then return refusal end
if not (has_type(free, 'zset') and has_type(cancelled, 'zset')) then return corrupt('a key of the campaign has another type') end
local field = seq
if tag ~= '' then
  local packed = redis.call('HGET', users, tag)
  if not packed then return 0 end
  local place, own_unit = unpack_place(packed)
  if not place then return corrupt('the entry of a user') end
  field = exception_field(place, tag)
  if unit == '' then unit = string.format('%.0f', own_unit) end
end

local exception = redis.call('HGET', exceptions, field)
if exception == 'cancelled:' then return 0 end
-- Without a tag nothing proves that this ticket is of this gate but that it failed here.
if tag == '' and not (exception and string.match(exception, '^failed:')) then return 0 end

redis.call('HSET', exceptions, field, 'cancelled:')
if unit ~= '' and unit ~= '0' then redis.call('ZADD', free, unit, unit) end
if exception == 'retrying:' or exception == 'cancelling:' then redis.call('HINCRBY', gate, 'retrying', -1) end
if tag ~= '' then tell_cancelled(gate, cancelled, tag) end
return 1
