#!lua flags=allow-oom
-- Settles entries of one shard whose work is committed: acks them, moves the watermark, trims the stream up to it, and
-- writes down what became of tickets that were not issued as promised. An entry counts once, whoever acks it and how often.
-- Allowed where memory is full: it gives back more than it takes, and nothing else does.
--
-- uses: epoch, run, corrupt, types, shard, group, turns
-- KEYS: gate work exceptions free turns
-- ARGV: group epoch shard ids exceptional campaign id[ids] (seq outcome unit)[exceptional]
-- RETURNS: settled watermark
--
-- epoch       of the gate the entries were received under: in a later one the same ids may be other people's
-- exceptions  hash: seq -> outcome
-- unit        the unit that goes back to the free units with this outcome, 0 for none
-- settled     how many of the ids were pending until now
-- watermark   every seq of the shard up to it is settled
-- ERRORS: SLUICE_CORRUPT, SLUICE_GATE_MISSING, SLUICE_EPOCH, SLUICE_UNVERIFIED
local gate = KEYS[1]
local work = KEYS[2]
local exceptions = KEYS[3]
local free = KEYS[4]
local turns = KEYS[5]
local group = ARGV[1]
local epoch = ARGV[2]
local shard = ARGV[3]
local ids = tonumber(ARGV[4])
local exceptional = tonumber(ARGV[5])
local campaign = ARGV[6]

if not (has_type(gate, 'hash') and has_type(work, 'stream') and has_type(exceptions, 'hash') and has_type(free, 'zset')) then
  return corrupt('a key of the campaign has another type')
end
local marks = redis.call('HMGET', gate, 'seq', 'watermark:' .. shard, 'acked:' .. shard, 'epoch', 'shards', 'settled:' .. shard,
  'kept:' .. shard, 'run_id')
-- A gate that was put back may have lost the retry of a ticket that is settled as retrying: it is compared first.
local refusal = epoch_refusal(marks[1] and marks[4], epoch) or run_refusal(marks[8])
if refusal then return refusal end
local seq, shards = tonumber(marks[1]), tonumber(marks[5])
local watermark, acked = tonumber(marks[2] or '0'), tonumber(marks[3] or '0')
local settled_before = tonumber(marks[6] or '0')
local last_delivered = last_delivered_seq(work, group)
if not last_delivered then return redis.error_reply('NOGROUP no such stream or group') end

local settled, retrying = 0, 0
local exceptional_ids = {}
for e = 1, exceptional do
  local at = 6 + ids + 3 * (e - 1)
  local its_seq, outcome, unit = ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  exceptional_ids[its_seq .. '-0'] = true
  if redis.call('XACK', work, group, its_seq .. '-0') == 1 then
    settled = settled + 1
    -- What is cancelled here already has returned its unit.
    local is_told = outcome == 'cancelled:' and redis.call('HGET', exceptions, its_seq) == outcome
    redis.call('HSET', exceptions, its_seq, outcome)
    if outcome == 'retrying:' then retrying = retrying + 1 end
    if unit ~= '0' and not is_told then redis.call('ZADD', free, unit, unit) end
  end
end
local plain = {}
local highest = '' -- compared as text, longer ones first: an id turned into a number costs as much as its ack
for i = 1, ids do
  local id = ARGV[6 + i]
  if not exceptional_ids[id] then plain[#plain + 1] = id end
  if #id > #highest or (#id == #highest and id > highest) then highest = id end
end
acked = math.max(acked, math.min(seq, tonumber(string.match(highest, '^(%d+)-') or '0')))
if #plain > 0 then settled = settled + redis.call('XACK', work, group, unpack(plain)) end

local pending = redis.call('XPENDING', work, group, '-', '+', 1)
local reached = #pending > 0 and tonumber(string.match(pending[1][1], '^(%d+)-')) - 1 or last_delivered
-- What an intruder put beyond the gate's own seq is no ticket, and must not move the watermark past those to come.
reached = math.max(watermark, math.min(reached, seq))
local seqs = seqs_of_shard(tonumber(shard), shards, seq)
-- Acked entries that are not trimmed yet, because something before them is pending.
local kept = tonumber(marks[7] or '0') + settled
if seqs - settled_before - settled <= redis.call('XLEN', work) - kept then
  watermark = reached
  kept = math.max(0, kept - redis.call('XTRIM', work, 'MINID', '=', string.format('%.0f-0', watermark + 1)))
else
  -- Fewer entries are left than tickets wait: somebody deleted or trimmed some. The gate closes and is rebuilt; a watermark
  -- that passed them would tell their holders that they were issued.
  redis.call('HSET', gate, 'run_id', 'entries-lost', 'closed_run_id', server_run_id())
end
redis.call('HSET', gate, 'watermark:' .. shard, watermark, 'acked:' .. shard, acked,
  'settled:' .. shard, settled_before + settled, 'kept:' .. shard, kept)
if settled > 0 and redis.call('HINCRBY', gate, 'settled', settled) >= seq then leave_line(turns, campaign) end
if retrying > 0 then redis.call('HINCRBY', gate, 'retrying', retrying) end
return {settled, watermark}
