#!lua flags=allow-oom
-- Begins to rebuild a gate: closes it under its new epoch, which fences off whoever still works for an older one, and
-- forgets what the ledger and the streams will tell anew. The streams stay: what survived in them is drained.
--
-- KEYS: gate exceptions free cancelled
-- ARGV: epoch
-- RETURNS: 1
-- ERRORS: SLUICE_EPOCH (a later rebuild has begun)
local gate = KEYS[1]
local exceptions = KEYS[2]
local free = KEYS[3]
local cancelled = KEYS[4]
local epoch = ARGV[1]

local current = tonumber(redis.call('HGET', gate, 'epoch') or '0')
if current > tonumber(epoch) then return redis.error_reply('SLUICE_EPOCH gate is of epoch ' .. current) end
redis.call('DEL', gate)
redis.call('UNLINK', exceptions, free, cancelled)
redis.call('HSET', gate, 'epoch', epoch, 'run_id', '')
return 1
