#!lua flags=allow-oom
-- Opens a gate that was found whole after its server was started anew or promoted. The new epoch makes acks that were on
-- their way void: should Redis have forgotten seqs, they are given out again and are other people's.
--
-- KEYS: gate
-- ARGV: from to
-- RETURNS: the last seq of the epoch before
--
-- from to  epochs
-- ERRORS: SLUICE_GATE_MISSING, SLUICE_EPOCH
local gate = KEYS[1]
local from = ARGV[1]
local to = ARGV[2]

local fields = redis.call('HMGET', gate, 'epoch', 'epochs', 'seq')
if not fields[1] then return redis.error_reply('SLUICE_GATE_MISSING no gate for this campaign') end
if fields[1] ~= from then return redis.error_reply('SLUICE_EPOCH gate is of epoch ' .. fields[1]) end
local run_id = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
redis.call('HSET', gate, 'epoch', to, 'run_id', run_id, 'epochs', fields[2] .. ' ' .. to .. ':' .. fields[3])
return tonumber(fields[3])
