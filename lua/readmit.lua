#!lua
-- Gives the holder of a signed ticket that this gate does not remember a place again: the ticket's own unit if nobody has
-- it, else another one. It was promised before, so neither window nor bucket nor backlog is asked.
--
-- uses: epoch, run, corrupt, place, turns
-- KEYS: gate free users turns work[shards]
-- ARGV: epoch shards tag user admitted_at ticket_epoch ticket_seq ticket_unit campaign trace
-- RETURNS: seq unit
--
-- seq   at which it stands from now on (or does already)
-- unit  0 when none is left: then it ends with an operator, who may add stock
-- trace W3C traceparent or empty
-- ERRORS: SLUICE_GATE_MISSING, SLUICE_EPOCH, SLUICE_UNVERIFIED, SLUICE_CORRUPT
local gate = KEYS[1]
local free = KEYS[2]
local users = KEYS[3]
local turns = KEYS[4]
local epoch = ARGV[1]
local shards = tonumber(ARGV[2])
local tag = ARGV[3]
local user = ARGV[4]
local admitted_at = ARGV[5]
local ticket_epoch = ARGV[6]
local ticket_seq = ARGV[7]
local ticket_unit = tonumber(ARGV[8])
local campaign = ARGV[9]
local trace = ARGV[10]
local SKIP_MAX = 2000 -- units set free at once on the way to the ticket's own, each a microsecond

local fields = redis.call('HMGET', gate, 'epoch', 'run_id', 'seq', 'next_unit', 'stock', 'shards', 'settled')
local refusal = epoch_refusal(fields[1], epoch) or run_refusal(fields[2])
if refusal then return refusal end
local seq, next_unit, stock = tonumber(fields[3]), tonumber(fields[4]), tonumber(fields[5])
if not seq or not next_unit or not stock or tonumber(fields[6]) ~= shards then
  return corrupt('a field of the gate')
end
local packed = redis.call('HGET', users, tag)
if packed then
  local its_seq, its_unit = unpack_place(packed)
  return its_seq and {its_seq, its_unit} or corrupt('the entry of a user')
end
if redis.call('ZCARD', free) < 0 then return corrupt('free') end

seq = seq + 1
local work = KEYS[5 + seq % shards]
if #redis.call('XREVRANGE', work, '+', string.format('%.0f-0', seq), 'COUNT', 1) > 0 then
  return corrupt('a work stream is ahead of the gate')
end
local unit, skipped_from, from_free = 0, next_unit + 1, nil
if ticket_unit > next_unit and ticket_unit <= stock and ticket_unit - next_unit <= SKIP_MAX then
  unit, next_unit = ticket_unit, ticket_unit
elseif redis.call('ZSCORE', free, ticket_unit) then
  unit, from_free = ticket_unit, ticket_unit
else
  local lowest = redis.call('ZRANGE', free, 0, 0)[1]
  if lowest then
    unit, from_free = tonumber(lowest), lowest
  elseif next_unit < stock then
    next_unit = next_unit + 1
    unit, skipped_from = next_unit, next_unit
  end
end

redis.call('XADD', work, string.format('%.0f-0', seq), 'user', user, 'unit', string.format('%.0f', unit),
  'admitted_at', admitted_at, 'epoch', ticket_epoch, 'ticket_seq', ticket_seq, 'traceparent', trace)
redis.call('HSET', users, tag, pack_bytes(PLACE, seq, unit, tonumber(admitted_at))
  .. pack_bytes(SIGNED, tonumber(ticket_epoch), tonumber(ticket_seq), ticket_unit))
if from_free then redis.call('ZREM', free, from_free) end
for skipped = skipped_from, unit - 1 do redis.call('ZADD', free, skipped, skipped) end
redis.call('HSET', gate, 'seq', seq, 'next_unit', next_unit)
if seq - 1 <= tonumber(fields[7] or '0') then arrive(turns, campaign) end
return {seq, unit}
