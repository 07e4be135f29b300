#!lua flags=no-writes
-- What every worker reported last.
--
-- uses: corrupt, types
-- KEYS: workers
-- ARGV: none
-- RETURNS: name, ms since its report, its reasons; the same of the next worker
--
-- workers  hash: worker's name -> '<epoch ms of its newest report> <reasons>'
-- ERRORS: SLUICE_CORRUPT
local workers = KEYS[1]

if not has_type(workers, 'hash') then return corrupt('the key of the worker reports has another type') end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local noted = redis.call('HGETALL', workers)
local told = {}
for i = 1, #noted, 2 do
  local at, reasons = string.match(noted[i + 1], '^(%d+) (.*)$')
  if at then
    told[#told + 1] = noted[i]
    -- Redis's clock was set back if it is in the future: a worker that is alive has reported again since.
    told[#told + 1] = math.abs(now - tonumber(at))
    told[#told + 1] = reasons
  end
end
return told
