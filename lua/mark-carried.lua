#!lua flags=allow-oom
-- Notes how far the relay has carried the entries of one shard, so that the next relay does not carry them again.
--
-- uses: epoch, group
-- KEYS: gate
-- ARGV: epoch shard seq
-- RETURNS: the seq that is noted now
--
-- seq  every entry of the shard up to it that was delivered to the relay is in the topic, or settled
-- ERRORS: SLUICE_GATE_MISSING, SLUICE_EPOCH
local gate = KEYS[1]
local epoch = ARGV[1]
local shard = ARGV[2]
local seq = tonumber(ARGV[3])

local refusal = epoch_refusal(redis.call('HGET', gate, 'epoch'), epoch)
if refusal then return refusal end
return note_seq(gate, 'carried:' .. shard, epoch, seq)
