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
