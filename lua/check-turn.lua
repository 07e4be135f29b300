#!lua
-- Puts a campaign into the line of its lane where its gate says that tickets wait, and takes it out where none does or there
-- is no open gate: what an intruder deleted or added, or what nobody took out.
--
-- uses: turns
-- KEYS: gate turns
-- ARGV: campaign
-- RETURNS: 1 when it is in line now, else 0
local gate = KEYS[1]
local turns = KEYS[2]
local campaign = ARGV[1]

local is_hash = redis.call('TYPE', gate).ok == 'hash'
local fields = is_hash and redis.call('HMGET', gate, 'seq', 'settled') or {}
if (tonumber(fields[1]) or 0) > (tonumber(fields[2]) or 0) then
  arrive(turns, campaign)
  return 1
end
leave_line(turns, campaign)
return 0
