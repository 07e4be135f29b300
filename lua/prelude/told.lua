-- What fronts learn cancellations from: the campaign's `cancelled`, a sorted set of tags by the number of the cancellation.

local TOLD_MAX = 10000 -- a front that missed more learns of the rest from the watermark

local function tell_cancelled(gate, cancelled, tag)
  local number = redis.call('HINCRBY', gate, 'cancelled', 1)
  redis.call('ZADD', cancelled, number, tag)
  redis.call('ZREMRANGEBYSCORE', cancelled, '-inf', number - TOLD_MAX)
end
