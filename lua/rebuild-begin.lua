#!lua flags=allow-oom
-- Begins to rebuild a gate: closes it under its new epoch, which fences off whoever still works for an older one, and
-- forgets what the ledger and the streams will tell. The streams stay: what survived in them is drained.
--
-- uses: run, turns
-- KEYS: gate exceptions free cancelled lease turns
-- ARGV: epoch builder epochs campaign
-- RETURNS: 1
--
-- builder  the token of the lease: from here on no other builder may write
-- epochs   where each earlier epoch began, see domain/epochs.ts
-- ERRORS: SLUICE_EPOCH (a later rebuild has begun, or the lease is another builder's)
local gate = KEYS[1]
local exceptions = KEYS[2]
local free = KEYS[3]
local cancelled = KEYS[4]
local lease = KEYS[5]
local turns = KEYS[6]
local epoch = ARGV[1]
local builder = ARGV[2]
local epochs = ARGV[3]
local campaign = ARGV[4]

local current = tonumber(redis.call('HGET', gate, 'epoch') or '0')
if current > tonumber(epoch) then return redis.error_reply('SLUICE_EPOCH gate is of epoch ' .. current) end
if redis.call('GET', lease) ~= builder then return redis.error_reply('SLUICE_EPOCH another builder has the lease') end
leave_line(turns, campaign) -- nothing is delivered from it before it is open
redis.call('DEL', gate)
redis.call('UNLINK', exceptions, free, cancelled)
redis.call('HSET', gate, 'epoch', epoch, 'run_id', '', 'builder', builder, 'built_unit', 0, 'epochs', epochs,
  'built_run_id', server_run_id())
return 1
