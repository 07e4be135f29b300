#!lua flags=allow-oom
-- Prolongs a lease, if its holder still has it.
--
-- KEYS: lease
-- ARGV: token ms
-- RETURNS: 1, or 0 when the lease has ended or is somebody else's
local lease = KEYS[1]
local token = ARGV[1]
local ms = ARGV[2]

if redis.call('GET', lease) ~= token then return 0 end
return redis.call('PEXPIRE', lease, ms)
