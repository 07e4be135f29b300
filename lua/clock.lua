#!lua flags=no-writes
-- The clock of the server that has this gate. A Cluster's servers have a clock each, and TIME without a key asks any of them.
--
-- KEYS: gate
-- ARGV: none
-- RETURNS: seconds microseconds, or nil where there is no gate
local gate = KEYS[1]
if redis.call('EXISTS', gate) == 0 then return false end
return redis.call('TIME')
