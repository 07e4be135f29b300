#!lua flags=allow-oom
-- Takes over a gate that another builder began to rebuild and did not finish. What that builder added stays; free units
-- are left out, because the next builder computes all of them.
--
-- uses: run
-- KEYS: gate free lease
-- ARGV: epoch builder
-- RETURNS: {the last unit whose row is in the gate, where each earlier epoch began}, or nil when there is nothing to take
--          over: the gate is not being built, is of another epoch, or its server was started again since and may have
--          forgotten a part of it
--
-- builder  the token of the lease: from here on no other builder may write
-- ERRORS: SLUICE_EPOCH (the lease is another builder's)
local gate = KEYS[1]
local free = KEYS[2]
local lease = KEYS[3]
local epoch = ARGV[1]
local builder = ARGV[2]

if redis.call('GET', lease) ~= builder then return redis.error_reply('SLUICE_EPOCH another builder has the lease') end
local fields = redis.call('HMGET', gate, 'epoch', 'run_id', 'built_run_id', 'built_unit', 'epochs')
if fields[1] ~= epoch or fields[2] ~= '' or not fields[3] then return nil end
if fields[3] ~= server_run_id() then return nil end
redis.call('UNLINK', free)
redis.call('HSET', gate, 'builder', builder)
return { fields[4], fields[5] }
