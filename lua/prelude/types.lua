-- The types of keys: a command on a key of another type fails, and what the script wrote before it stays.

-- Whether a key is of this type, or is not there.
local function has_type(key, wanted)
  local kind = redis.call('TYPE', key).ok
  return kind == wanted or kind == 'none'
end
