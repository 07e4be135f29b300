#!lua flags=allow-oom
-- Notes that a worker is there and how it is, and forgets workers that have been silent for long.
-- Allowed where memory is full: a worker that issues then must not look dead.
--
-- uses: corrupt, types
-- KEYS: workers
-- ARGV: name reasons forget
-- RETURNS: how many workers are noted
--
-- workers  hash: worker's name -> '<epoch ms of its newest report> <reasons>'
-- reasons  why the worker is not ready, with spaces between; empty when it is
-- forget   ms of silence after which a worker's report is deleted
-- ERRORS: SLUICE_CORRUPT
local workers = KEYS[1]
local name = ARGV[1]
local reasons = ARGV[2]
local forget = tonumber(ARGV[3])

if not has_type(workers, 'hash') then return corrupt('the key of the worker reports has another type') end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local noted = redis.call('HGETALL', workers)
for i = 1, #noted, 2 do
  local at = tonumber(string.match(noted[i + 1], '^%d+'))
  if not at or math.abs(now - at) > forget then redis.call('HDEL', workers, noted[i]) end
end
redis.call('HSET', workers, name, string.format('%.0f %s', now, reasons))
return redis.call('HLEN', workers)
