#!lua flags=allow-oom
-- Adds users and free units to a gate that is being rebuilt, and notes how far it has come, so that the next builder can
-- go on from here if this one dies.
--
-- uses: builder
-- KEYS: gate exceptions free users[count]
-- ARGV: epoch builder built_unit count (tag place outcome)[count] unit[rest]
-- RETURNS: 1
--
-- built_unit  all rows up to this unit are in the gate with this call; 0 when the call adds no rows
-- place       packed, see prelude/place.lua
-- outcome     what became of the ticket where the ledger's row alone does not tell; else empty
-- ERRORS: SLUICE_EPOCH (another builder works on this gate, or its server was started again)
local gate = KEYS[1]
local exceptions = KEYS[2]
local free = KEYS[3]
local epoch = ARGV[1]
local builder = ARGV[2]
local built_unit = ARGV[3]
local count = tonumber(ARGV[4])

local refusal = builder_refusal(gate, epoch, builder)
if refusal then return refusal end
for i = 1, count do
  local tag, place, outcome = ARGV[3 * i + 2], ARGV[3 * i + 3], ARGV[3 * i + 4]
  redis.call('HSET', KEYS[3 + i], tag, place)
  if outcome ~= '' then redis.call('HSET', exceptions, tag, outcome) end
end
for i = 5 + 3 * count, #ARGV do redis.call('ZADD', free, ARGV[i], ARGV[i]) end
if built_unit ~= '0' then redis.call('HSET', gate, 'built_unit', built_unit) end
return 1
