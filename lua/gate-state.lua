#!lua flags=no-writes
-- Whether a gate may sell: compared with the ledger since its server was started or promoted, and its streams hold all
-- that waits.
--
-- KEYS: gate work[shards]
-- ARGV: epoch
-- RETURNS: 'verified', 'unverified', 'damaged' (begun and not finished, entries lost, or of another epoch) or 'missing'
--
-- epoch  that the ledger says the gate has
local gate = KEYS[1]
local epoch = ARGV[1]
local MAX_SEQ = 10000000000000 -- beyond it no seq can be given out, and a rebuild would not help

local fields = redis.call('HMGET', gate, 'epoch', 'run_id', 'seq')
if not fields[1] then return 'missing' end
if fields[1] ~= epoch or not string.match(fields[2] or '', '^%x+$') or not fields[3] then return 'damaged' end
local seq, shards = tonumber(fields[3]), #KEYS - 1
for k = 0, shards - 1 do
  local seqs = seq < k and 0 or math.floor((seq - k) / shards) + (k > 0 and 1 or 0)
  local settled = tonumber(redis.call('HGET', gate, 'settled:' .. k) or '0')
  if seqs - settled > redis.call('XLEN', KEYS[2 + k]) then return 'damaged' end
  -- Ahead of the gate, so that no join can be written behind it.
  local last = redis.call('XREVRANGE', KEYS[2 + k], '+', '-', 'COUNT', 1)[1]
  local last_seq = last and tonumber(string.match(last[1], '^(%d+)-')) or 0
  if last_seq > seq and last_seq < MAX_SEQ then return 'damaged' end
end
if string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') ~= fields[2] then return 'unverified' end
return 'verified'
