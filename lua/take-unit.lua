#!lua
-- Takes one unit for a ticket whose own unit turned out to be somebody else's in the ledger.
--
-- uses: epoch, rebuilding, corrupt
-- KEYS: gate free
-- ARGV: epoch
-- RETURNS: a unit, or 0 when none is left
--
-- ERRORS: SLUICE_GATE_MISSING, SLUICE_EPOCH, SLUICE_UNVERIFIED, SLUICE_CORRUPT
local gate = KEYS[1]
local free = KEYS[2]
local epoch = ARGV[1]

local fields = redis.call('HMGET', gate, 'run_id', 'stock', 'next_unit', 'epoch')
local refusal = epoch_refusal(fields[1] and fields[4], epoch) or rebuild_refusal(fields[1])
if refusal then return refusal end
local stock, next_unit = tonumber(fields[2]), tonumber(fields[3])
if not stock or not next_unit then return corrupt('stock or next_unit of the gate') end

local returned = redis.call('ZPOPMIN', free)
if returned[1] then return tonumber(returned[1]) end
if next_unit >= stock then return 0 end
redis.call('HSET', gate, 'next_unit', next_unit + 1)
return next_unit + 1
