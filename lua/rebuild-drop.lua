#!lua flags=allow-oom
-- Deletes entries that a rebuilt gate must not deliver: somebody else has taken their tickets on already. They are acked
-- as well: a worker that still reads its history would find an entry without content, and keep a letter for it.
--
-- KEYS: gate work
-- ARGV: epoch builder group id[rest]
-- RETURNS: how many were deleted
-- ERRORS: SLUICE_EPOCH (another builder works on this gate, or its server was started again)
local gate = KEYS[1]
local work = KEYS[2]
local epoch = ARGV[1]
local builder = ARGV[2]
local group = ARGV[3]

local run_id = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
local build = redis.call('HMGET', gate, 'epoch', 'builder', 'built_run_id')
if build[1] ~= epoch or build[2] ~= builder or build[3] ~= run_id then
  return redis.error_reply('SLUICE_EPOCH another builder works on this gate, or its server was started again')
end
local deleted = 0
for i = 4, #ARGV do
  redis.call('XACK', work, group, ARGV[i])
  deleted = deleted + redis.call('XDEL', work, ARGV[i])
end
return deleted
