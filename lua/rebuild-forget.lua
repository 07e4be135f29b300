#!lua flags=allow-oom
-- Forgets users of a gate that is being rebuilt.
--
-- KEYS: gate users[count]
-- ARGV: epoch builder
-- RETURNS: 1
-- ERRORS: SLUICE_EPOCH (another builder works on this gate, or its server was started again)
local gate = KEYS[1]
local epoch = ARGV[1]
local builder = ARGV[2]

local run_id = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
local build = redis.call('HMGET', gate, 'epoch', 'builder', 'built_run_id')
if build[1] ~= epoch or build[2] ~= builder or build[3] ~= run_id then
  return redis.error_reply('SLUICE_EPOCH another builder works on this gate, or its server was started again')
end
for i = 2, #KEYS do redis.call('UNLINK', KEYS[i]) end
return 1
