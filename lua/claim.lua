#!lua flags=allow-oom
-- Takes entries of one shard into a worker's hands that somebody else carried to it: of an entry that is settled or given back
-- nothing is left to take.
--
-- uses: epoch, run, types, corrupt
-- KEYS: gate work
-- ARGV: group epoch consumer ids id[ids]
-- RETURNS: the ids that are this consumer's now, in their order
--
-- epoch  of the gate that gave the entries out: a later one has other entries under the same ids
-- ERRORS: SLUICE_GATE_MISSING, SLUICE_EPOCH, SLUICE_UNVERIFIED, SLUICE_CORRUPT
local gate = KEYS[1]
local work = KEYS[2]
local group = ARGV[1]
local epoch = ARGV[2]
local consumer = ARGV[3]
local ids = tonumber(ARGV[4])

if not has_type(work, 'stream') then return corrupt('a work stream has another type') end
local marks = redis.call('HMGET', gate, 'epoch', 'run_id')
local refusal = epoch_refusal(marks[1], epoch) or run_refusal(marks[2])
if refusal then return refusal end
if redis.call('EXISTS', work) == 0 then return redis.error_reply('NOGROUP no such stream') end
local claimed = {}
for i = 1, ids do claimed[i] = ARGV[4 + i] end
claimed[ids + 1] = 'JUSTID'
return redis.call('XCLAIM', work, group, consumer, 0, unpack(claimed))
