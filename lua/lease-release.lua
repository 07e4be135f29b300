#!lua flags=allow-oom
-- Ends a lease, if its holder still has it: a holder that was late must not end the lease of the next holder.
--
-- KEYS: lease
-- ARGV: token
-- RETURNS: 1, or 0 when the lease has ended or is somebody else's
local lease = KEYS[1]
local token = ARGV[1]

if redis.call('GET', lease) ~= token then return 0 end
return redis.call('DEL', lease)
