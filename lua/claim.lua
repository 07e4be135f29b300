#!lua flags=allow-oom
-- Tells which entries of a gate still wait for a worker, of those that the relay carried to one, and notes that a worker has
-- them: an entry that is settled or given back is not among them. The entries stay with the consumer that read them: to move
-- each would cost as much as reading it did.
--
-- uses: epoch, run, types, corrupt, group
-- KEYS: gate work[shards]
-- ARGV: group epoch shards (shard first last)[shards]
-- RETURNS: step, then for each shard: from to from to
--
-- first, last  seqs between which the entries are, both included
-- step         from a seq of a shard to the next one
-- from, to     seqs of entries that wait, and all between them that a step leads to
-- ERRORS: SLUICE_GATE_MISSING, SLUICE_EPOCH, SLUICE_UNVERIFIED, SLUICE_CORRUPT
local gate = KEYS[1]
local group = ARGV[1]
local epoch = ARGV[2]
local shards = tonumber(ARGV[3])
local PAGE = 512

local marks = redis.call('HMGET', gate, 'epoch', 'run_id', 'shards')
local refusal = epoch_refusal(marks[1], epoch) or run_refusal(marks[2])
if refusal then return refusal end
local step = tonumber(marks[3])
for k = 1, shards do
  if not has_type(KEYS[1 + k], 'stream') then return corrupt('a work stream has another type') end
end

local function waiting(work, first, last)
  local runs, from = {}, first .. '-0'
  repeat
    -- A stream or a group that is gone has no entry that waits: the relay carries again what is put there.
    local pending = redis.pcall('XPENDING', work, group, from, last .. '-0', PAGE)
    if pending.err then return {} end
    for p = 1, #pending do
      local seq = tonumber(string.match(pending[p][1], '^(%d+)%-0$'))
      if seq and runs[#runs] == seq - step then
        runs[#runs] = seq
      elseif seq then
        runs[#runs + 1] = seq
        runs[#runs + 1] = seq
      end
    end
    if #pending > 0 then from = '(' .. pending[#pending][1] end
  until #pending < PAGE
  return runs
end

local found = {step}
for k = 1, shards do
  local at = 3 * k
  local shard = ARGV[at + 1]
  local runs = waiting(KEYS[1 + k], ARGV[at + 2], ARGV[at + 3])
  note_seq(gate, 'taken:' .. shard, epoch, runs[#runs] or 0)
  found[1 + k] = runs
end
return found
