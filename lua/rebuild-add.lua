#!lua flags=allow-oom
-- Tells a gate that is being rebuilt of users and of free units.
--
-- KEYS: gate exceptions free users[count]
-- ARGV: epoch count (tag place outcome)[count] unit[rest]
-- RETURNS: 1
--
-- place    packed, see admit.lua
-- outcome  what became of the ticket where the ledger's row alone does not tell; else empty
-- ERRORS: SLUICE_EPOCH (a later rebuild has begun)
local gate = KEYS[1]
local exceptions = KEYS[2]
local free = KEYS[3]
local epoch = ARGV[1]
local count = tonumber(ARGV[2])

if redis.call('HGET', gate, 'epoch') ~= epoch then return redis.error_reply('SLUICE_EPOCH a later rebuild has begun') end
for i = 1, count do
  local tag, place, outcome = ARGV[3 * i], ARGV[3 * i + 1], ARGV[3 * i + 2]
  redis.call('HSET', KEYS[3 + i], tag, place)
  if outcome ~= '' then redis.call('HSET', exceptions, tag, outcome) end
end
for i = 3 + 3 * count, #ARGV do redis.call('ZADD', free, ARGV[i], ARGV[i]) end
return 1
