-- How far a consumer group has read, and in whose hands an entry is.

-- The seq of the last entry that the group was given; nothing where there is no such stream or group.
local function last_delivered_seq(work, group)
  if redis.call('EXISTS', work) == 0 then return end
  local groups = redis.call('XINFO', 'GROUPS', work)
  for g = 1, #groups do
    local info = {}
    for f = 1, #groups[g], 2 do info[groups[g][f]] = groups[g][f + 1] end
    if info['name'] == group then return tonumber(string.match(info['last-delivered-id'], '^(%d+)-')) end
  end
end

local RELAY = '~relay' -- the consumer that carries entries to another broker; no worker has a name like it

-- The seq that a field of the gate notes for this epoch: up to there the entries of a shard were carried, or taken by workers.
local function noted_seq(gate, field, epoch)
  local its_epoch, seq = string.match(redis.call('HGET', gate, field) or '', '^(%d+) (%d+)$')
  return its_epoch == epoch and tonumber(seq) or 0
end

-- Notes a seq there, unless a higher one is; returns the one that is noted then.
local function note_seq(gate, field, epoch, seq)
  local noted = noted_seq(gate, field, epoch)
  if noted >= seq then return noted end
  redis.call('HSET', gate, field, epoch .. ' ' .. string.format('%.0f', seq))
  return seq
end
