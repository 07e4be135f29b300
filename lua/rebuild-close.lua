#!lua flags=allow-oom
-- Closes a gate that a builder is about to rebuild, and says whether what the gate remembers is true. A closed gate admits no
-- user and takes no place back, so the builder can write down what this gate alone has cancelled.
--
-- uses: run
-- KEYS: gate lease
-- ARGV: epoch builder
-- RETURNS: 1, or 0 where the gate is not there, of another epoch, or of before its server was started
--
-- closed_run_id  the run of the server in which the gate was open; the same mark is left where settle.lua closes it
-- ERRORS: SLUICE_EPOCH (the lease is another builder's)
local gate = KEYS[1]
local lease = KEYS[2]
local epoch = ARGV[1]
local builder = ARGV[2]

if redis.call('GET', lease) ~= builder then return redis.error_reply('SLUICE_EPOCH another builder has the lease') end
local fields = redis.call('HMGET', gate, 'epoch', 'run_id', 'closed_run_id')
if fields[1] ~= epoch then return 0 end
local server = server_run_id()
if fields[2] == server then
  redis.call('HSET', gate, 'run_id', 'to-be-rebuilt', 'closed_run_id', server)
  return 1
end
return fields[3] == server and 1 or 0
