#!lua flags=allow-oom
-- Returns a unit that was taken for a ticket and that the ledger refused, because the ticket is cancelled.
--
-- KEYS: gate free
-- ARGV: epoch unit
-- RETURNS: 1
--
-- epoch  of the gate that the unit was taken from: a rebuilt gate has counted it by itself
-- ERRORS: SLUICE_GATE_MISSING, SLUICE_EPOCH, SLUICE_UNVERIFIED
local gate = KEYS[1]
local free = KEYS[2]
local epoch = ARGV[1]
local unit = ARGV[2]

local fields = redis.call('HMGET', gate, 'run_id', 'epoch')
if not fields[1] then return redis.error_reply('SLUICE_GATE_MISSING no gate for this campaign') end
if fields[2] ~= epoch then return redis.error_reply('SLUICE_EPOCH gate is of epoch ' .. fields[2]) end
if fields[1] == '' then return redis.error_reply('SLUICE_UNVERIFIED the gate is being rebuilt') end
redis.call('ZADD', free, unit, unit)
return 1
