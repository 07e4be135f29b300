#!lua flags=allow-oom
-- Gives back the place of one user, as far as the gate alone may decide it: at once while no worker has received the
-- entry (the relay may have carried it: a worker that reads it then is told that it does not wait, see claim.lua); a ticket
-- that is being retried is marked, and the retrier cancels it instead of issuing it.
--
-- uses: epoch, run, corrupt, types, place, exception, shard, group, told, turns
-- KEYS: gate users exceptions free cancelled turns work[shards]
-- ARGV: epoch tag group shards campaign
-- RETURNS: state place unit user
--
-- users      the bucket of the user: tag -> packed place; place 0 was settled before this gate was rebuilt
-- cancelled  sorted set: tag -> number of the cancellation, the newest 10,000, for fronts to learn from
-- state      'cancelled' (now), 'already', 'cancelling' (marked, now or before), 'pending' (a worker has it), 'settled'
--            (issued as promised), 'issued' (under this unit), 'failed', 'lost' (this user has no place)
-- user       whose entry it was, '' when the state is not 'cancelled' or the entry did not say
-- ERRORS: SLUICE_GATE_MISSING, SLUICE_EPOCH, SLUICE_UNVERIFIED, SLUICE_CORRUPT
local gate = KEYS[1]
local users = KEYS[2]
local exceptions = KEYS[3]
local free = KEYS[4]
local cancelled = KEYS[5]
local turns = KEYS[6]
local epoch = ARGV[1]
local tag = ARGV[2]
local group = ARGV[3]
local shards = tonumber(ARGV[4])
local campaign = ARGV[5]
local FIRST_WORK = 7

local fields = redis.call('HMGET', gate, 'epoch', 'shards', 'seq', 'run_id')
-- An old gate that was put back may call an entry undelivered that a worker has in hand.
local refusal = epoch_refusal(fields[1], epoch) or run_refusal(fields[4])
if refusal then return refusal end
if tonumber(fields[2]) ~= shards then return corrupt('the gate has another number of shards') end
local packed = redis.call('HGET', users, tag)
if not packed then return {'lost', 0, 0, ''} end
local place, unit = unpack_place(packed)
if not place then return corrupt('the entry of a user') end
local field = exception_field(place, tag)

local exception = redis.call('HGET', exceptions, field)
if exception then
  local status, rest = string.match(exception, '^(%l+):(.*)$')
  if status == 'cancelled' then return {'already', place, unit, ''} end
  if status == 'cancelling' then return {'cancelling', place, unit, ''} end
  if status == 'retrying' then
    redis.call('HSET', exceptions, field, 'cancelling:')
    return {'cancelling', place, unit, ''}
  end
  if status == 'issued' and tonumber(rest) then return {'issued', place, tonumber(rest), ''} end
  if status == 'failed' then return {'failed', place, unit, ''} end
  return corrupt('the outcome of a ticket')
end
if place == 0 then return {'settled', place, unit, ''} end
local shard = string.format('%.0f', place % shards)
if place <= tonumber(redis.call('HGET', gate, 'watermark:' .. shard) or '0') then return {'settled', place, unit, ''} end

local work, id = KEYS[FIRST_WORK + place % shards], field .. '-0'
local last_delivered = last_delivered_seq(work, group)
if last_delivered and last_delivered >= place then
  local held = redis.call('XPENDING', work, group, id, id, 1)
  -- Beyond the watermark an acked entry is still there; one that is not was deleted by somebody, and comes again.
  if #held == 0 then return {#redis.call('XRANGE', work, id, id) > 0 and 'settled' or 'pending', place, unit, ''} end
  local is_taken = held[1][2] ~= RELAY or noted_seq(gate, 'taken:' .. shard, epoch) >= place
  if is_taken then return {'pending', place, unit, ''} end
end

-- From here on it is written: all that can fail was tried before.
if not (has_type(free, 'zset') and has_type(cancelled, 'zset')) then return corrupt('a key of the campaign has another type') end
if last_delivered then redis.call('XACK', work, group, id) end
local pending = last_delivered and redis.call('XPENDING', work, group, '-', '+', 1) or {}
local entry = redis.call('XRANGE', work, id, id)
local user = ''
if entry[1] then
  for f = 1, #entry[1][2], 2 do
    if entry[1][2][f] == 'user' then user = entry[1][2][f + 1] end
  end
end
redis.call('XDEL', work, id)
redis.call('HSET', exceptions, field, 'cancelled:')
redis.call('ZADD', free, unit, unit)
if redis.call('HINCRBY', gate, 'settled', 1) >= tonumber(fields[3]) then leave_line(turns, campaign) end
local settled = redis.call('HINCRBY', gate, 'settled:' .. shard, 1)
tell_cancelled(gate, cancelled, tag)
-- With nothing in a worker's hands, everything before the next entry is settled; without one, everything given out so
-- far is. While something is, the watermark passes this place with what is delivered next.
if #pending == 0 then
  local following = redis.call('XRANGE', work, string.format('(%.0f-0', last_delivered or 0), '+', 'COUNT', 1)
  local seq = tonumber(fields[3])
  local reached = following[1] and math.min(seq, tonumber(string.match(following[1][1], '^(%d+)-')) - 1) or seq
  -- As in settle.lua: a watermark must not pass a ticket that was never settled.
  local seqs = seqs_of_shard(place % shards, shards, seq)
  local kept = tonumber(redis.call('HGET', gate, 'kept:' .. shard) or '0')
  local intact = seqs - settled <= redis.call('XLEN', work) - kept
  if intact and reached >= place then redis.call('HSET', gate, 'watermark:' .. shard, string.format('%.0f', reached)) end
end
return {'cancelled', place, unit, user}
