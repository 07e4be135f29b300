-- State that makes no sense: the script refuses it before its first write.
-- ERRORS: SLUICE_CORRUPT

local function corrupt(what)
  return redis.error_reply('SLUICE_CORRUPT ' .. what)
end
