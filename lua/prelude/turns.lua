-- The line of a lane: a sorted set of the campaigns with tickets that nobody has settled, the one served longest ago first.
-- A score is a place in line, no time: a clock that is set back would put those behind it first, again and again.
-- ERRORS: none; a line of another type is an intruder's, and is begun again. What was in it comes back with the sweep.

local ARRIVALS = 'sluice:arrivals' -- the channel on which workers hear of a campaign that has tickets again

-- Puts a campaign that is not in line at its end.
local function stand_in_line(turns, campaign)
  local last = redis.pcall('ZREVRANGE', turns, 0, 0, 'WITHSCORES')
  if last.err then redis.call('DEL', turns) end
  redis.call('ZADD', turns, 'NX', tonumber(last[2] or '0') + 1, campaign)
end

-- The same for one that had nothing to settle until now. Whoever may not publish makes workers late by a second at most.
local function arrive(turns, campaign)
  stand_in_line(turns, campaign)
  redis.pcall('PUBLISH', ARRIVALS, campaign)
end

local function leave_line(turns, campaign)
  redis.pcall('ZREM', turns, campaign)
end
