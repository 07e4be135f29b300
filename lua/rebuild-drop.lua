#!lua flags=allow-oom
-- Deletes entries that a rebuilt gate must not deliver: somebody else has taken their tickets on already.
--
-- KEYS: gate work
-- ARGV: epoch id[rest]
-- RETURNS: how many were deleted
-- ERRORS: SLUICE_EPOCH (a later rebuild has begun)
local gate = KEYS[1]
local work = KEYS[2]
local epoch = ARGV[1]

if redis.call('HGET', gate, 'epoch') ~= epoch then return redis.error_reply('SLUICE_EPOCH a later rebuild has begun') end
local deleted = 0
for i = 2, #ARGV do deleted = deleted + redis.call('XDEL', work, ARGV[i]) end
return deleted
