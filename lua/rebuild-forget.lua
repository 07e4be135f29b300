#!lua flags=allow-oom
-- Forgets users of a gate that is being rebuilt.
--
-- KEYS: gate users[count]
-- ARGV: epoch
-- RETURNS: 1
-- ERRORS: SLUICE_EPOCH (a later rebuild has begun)
local gate = KEYS[1]
local epoch = ARGV[1]

if redis.call('HGET', gate, 'epoch') ~= epoch then return redis.error_reply('SLUICE_EPOCH a later rebuild has begun') end
for i = 2, #KEYS do redis.call('UNLINK', KEYS[i]) end
return 1
