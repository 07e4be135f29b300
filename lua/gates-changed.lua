#!lua flags=no-writes
-- Which of many gates differ from what a front last read of them, and the clock of their server. A front asks this of the
-- campaigns that it knows, in place of reading each gate again.
--
-- KEYS: (gate free)[n]
-- ARGV: fields mark[n]
-- RETURNS: seconds microseconds (n)[changed]
--
-- fields  names of the gate's fields that make its mark, with spaces between
-- mark    their values and the number of free units, with spaces between, as they were last read
-- n       the place of a gate whose mark is another now, from 0; also of one that cannot be read
local fields = ARGV[1]

local names = {}
for name in string.gmatch(fields, '%S+') do names[#names + 1] = name end
local told = redis.call('TIME')
for n = 1, #ARGV - 1 do
  local values = redis.pcall('HMGET', KEYS[2 * n - 1], unpack(names))
  local free = redis.pcall('ZCARD', KEYS[2 * n])
  local is_read = not values.err and type(free) == 'number'
  if is_read then
    for i = 1, #names do values[i] = values[i] or '' end
    values[#names + 1] = free
  end
  if not is_read or table.concat(values, ' ') ~= ARGV[n + 1] then told[#told + 1] = n - 1 end
end
return told
