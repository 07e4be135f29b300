#!lua flags=no-writes
-- What the work streams of a gate hold and how far they have come, whether or not they are there: a campaign that nobody has
-- bought from has none, and an error for each of them costs a worker more than the answer.
--
-- KEYS: work[shards]
-- ARGV: none
-- RETURNS: (length last)[shards]
--
-- length  of the stream; 0 where there is none
-- last    the id of its last entry, also of one that was deleted; 0-0 where there never was one
-- ERRORS: WRONGTYPE
local told = {}
for k = 1, #KEYS do
  local length, last = 0, '0-0'
  local info = redis.call('EXISTS', KEYS[k]) == 1 and redis.call('XINFO', 'STREAM', KEYS[k]) or {}
  for i = 1, #info, 2 do
    if info[i] == 'length' then length = info[i + 1] end
    if info[i] == 'last-generated-id' then last = info[i + 1] end
  end
  told[2 * k - 1] = length
  told[2 * k] = last
end
return told
