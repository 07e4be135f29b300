#!lua flags=allow-oom
-- Ends the exception of one ticket that was settled as `retrying`: issued as promised after all, or something final.
--
-- KEYS: gate exceptions free
-- ARGV: seq outcome unit
-- RETURNS: 1 when the exception changed, 0 when it was no longer `retrying` (somebody else resolved it)
--
-- outcome  the final outcome; empty when the ticket was issued as promised
-- unit     the unit that goes back to the free list with this outcome, 0 for none
-- ERRORS: SLUICE_CORRUPT, SLUICE_GATE_MISSING
local gate = KEYS[1]
local exceptions = KEYS[2]
local free = KEYS[3]
local seq = ARGV[1]
local outcome = ARGV[2]
local unit = ARGV[3]

local function has_type(key, wanted)
  local kind = redis.call('TYPE', key).ok
  return kind == wanted or kind == 'none'
end
if not (has_type(gate, 'hash') and has_type(exceptions, 'hash') and has_type(free, 'zset')) then
  return redis.error_reply('SLUICE_CORRUPT a key of the campaign has another type')
end
if redis.call('EXISTS', gate) == 0 then return redis.error_reply('SLUICE_GATE_MISSING no gate for this campaign') end
if redis.call('HGET', exceptions, seq) ~= 'retrying:' then return 0 end

if outcome == '' then
  redis.call('HDEL', exceptions, seq)
else
  redis.call('HSET', exceptions, seq, outcome)
end
if unit ~= '0' then redis.call('ZADD', free, unit, unit) end
redis.call('HINCRBY', gate, 'retrying', -1)
return 1
