#!lua flags=no-writes
-- Whether a gate may sell: compared with the ledger since its server was started or promoted, and its streams hold all
-- that waits. Of one that was only not compared yet, also what it is compared by.
--
-- uses: run, shard
-- KEYS: gate free work[shards]
-- ARGV: epoch replicas
-- RETURNS: {state, run id of the server, (seq, settled, cancelled, stock, units given out, free units, entries)[unverified]}
--
-- state    'verified', 'unverified', 'damaged' (begun and not finished, entries lost, or of another epoch), 'missing', or
--          'alone': not verified, and on a server that has fewer replicas than it must have
-- entries  in all work streams
--
-- epoch     that the ledger says the gate has
-- replicas  that a server must have before anybody acts on what it says: one that was replaced has lost them
local gate = KEYS[1]
local free = KEYS[2]
local epoch = ARGV[1]
local replicas = tonumber(ARGV[2])

local run_id = server_run_id()
local entries = 0

local function state_of()
  local fields = redis.call('HMGET', gate, 'epoch', 'run_id', 'seq')
  if not fields[1] then return 'missing' end
  if fields[1] ~= epoch or not string.match(fields[2] or '', '^%x+$') or not fields[3] then return 'damaged' end
  local seq, shards = tonumber(fields[3]), #KEYS - 2
  for k = 0, shards - 1 do
    local work = KEYS[3 + k]
    local seqs = seqs_of_shard(k, shards, seq)
    local marks = redis.call('HMGET', gate, 'settled:' .. k, 'kept:' .. k)
    local settled, kept = tonumber(marks[1] or '0'), tonumber(marks[2] or '0') -- kept: acked, and not trimmed yet
    local length = redis.call('XLEN', work)
    entries = entries + length
    if seqs - settled > length - kept then return 'damaged' end
    -- Ahead of the gate, also by an entry that was deleted since: no ticket can be written behind it, and no worker reads the
    -- stream of a closed campaign. A rebuild deletes strangers' entries.
    local info = (length > 0 or redis.call('EXISTS', work) == 1) and redis.call('XINFO', 'STREAM', work) or {}
    for i = 1, #info, 2 do
      local last_seq = info[i] == 'last-generated-id' and tonumber(string.match(info[i + 1], '^(%d+)-')) or 0
      if last_seq > seq then return 'damaged' end
    end
  end
  if run_id ~= fields[2] then return 'unverified' end
  return 'verified'
end

local state = state_of()
if state ~= 'verified' and replicas > 0 then
  local _, online = string.gsub(redis.call('INFO', 'replication'), 'slave%d+:[^\r\n]*state=online', '')
  if online < replicas then state = 'alone' end
end
if state ~= 'unverified' then return { state, run_id } end
local told = redis.call('HMGET', gate, 'seq', 'settled', 'cancelled', 'stock', 'next_unit')
for i = 1, #told do told[i] = told[i] or '0' end
return { state, run_id, told[1], told[2], told[3], told[4], told[5], redis.call('ZCARD', free), entries }
