#!lua flags=allow-oom
-- Opens a gate that was found whole after its server was started anew or promoted. The new epoch makes acks that were on
-- their way void: should Redis have forgotten seqs, they are given out again and are other people's.
--
-- uses: epoch, run, turns
-- KEYS: gate turns
-- ARGV: from to server version campaign (field value)[settings]
-- RETURNS: the last seq of the epoch before
--
-- from to  epochs
-- server   run id of the server whose gate was found whole: started again since, it may have forgotten what was found
-- settings  the ledger's; taken over where they are newer than the gate's, which may be an old one that was put back
-- ERRORS: SLUICE_GATE_MISSING, SLUICE_EPOCH (of another epoch, or its server was started again)
local gate = KEYS[1]
local turns = KEYS[2]
local from = ARGV[1]
local to = ARGV[2]
local server = ARGV[3]
local version = ARGV[4]
local campaign = ARGV[5]

local fields = redis.call('HMGET', gate, 'epoch', 'epochs', 'seq', 'version', 'settled')
local refusal = epoch_refusal(fields[1], from)
if refusal then return refusal end
if server_run_id() ~= server then
  return redis.error_reply('SLUICE_EPOCH the server was started again since the gate was looked at')
end
if tonumber(version) > tonumber(fields[4] or '0') then
  for i = 6, #ARGV, 2 do redis.call('HSET', gate, ARGV[i], ARGV[i + 1]) end
end
redis.call('HSET', gate, 'epoch', to, 'run_id', server, 'epochs', fields[2] .. ' ' .. to .. ':' .. fields[3])
if tonumber(fields[3]) > tonumber(fields[5] or '0') then arrive(turns, campaign) end
return tonumber(fields[3])
