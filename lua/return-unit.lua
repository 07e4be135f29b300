#!lua flags=allow-oom
-- Returns a unit that was taken for a ticket and that the ledger refused, because the ticket is cancelled.
--
-- uses: epoch, rebuilding
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
local refusal = epoch_refusal(fields[1] and fields[2], epoch) or rebuild_refusal(fields[1])
if refusal then return refusal end
redis.call('ZADD', free, unit, unit)
return 1
