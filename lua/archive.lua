#!lua flags=allow-oom
-- Shuts the gate of a campaign that is over, under an epoch of its own: from then on no script changes it. Nothing may be
-- open in it. Its keys stay: they are deleted once the ledger says that the campaign is archived.
--
-- uses: epoch, run, corrupt
-- KEYS: gate free
-- ARGV: from to version
-- RETURNS: {units left, tickets given out}, or {-1, 0} while the campaign goes on or a ticket is open
--
-- from to  epochs; a gate that this server's run has shut under `to` before is answered again
-- version  of the ledger's settings: a gate that has other ones may not know that the sale goes on
-- ERRORS: SLUICE_GATE_MISSING, SLUICE_EPOCH, SLUICE_UNVERIFIED, SLUICE_CORRUPT
local gate = KEYS[1]
local free = KEYS[2]
local from = ARGV[1]
local to = ARGV[2]
local version = ARGV[3]

local fields = redis.call('HMGET', gate, 'epoch', 'run_id', 'version', 'state', 'closes_at', 'seq', 'settled', 'retrying',
  'stock', 'next_unit', 'shut_run_id')
local is_shut = fields[1] == to and fields[11] == server_run_id()
if not is_shut then
  local refusal = epoch_refusal(fields[1], from) or run_refusal(fields[2])
  if refusal then return refusal end
end
local seq, settled, retrying = tonumber(fields[6]), tonumber(fields[7]), tonumber(fields[8] or '0')
local stock, next_unit, closes_at = tonumber(fields[9]), tonumber(fields[10]), tonumber(fields[5] or '0')
if not (seq and settled and retrying and stock and next_unit and closes_at) then
  return corrupt('a number of the gate')
end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local is_over = fields[4] == 'closed' or (closes_at > 0 and now >= closes_at)
if fields[3] ~= version or not is_over or settled < seq or retrying > 0 then return { -1, 0 } end

local left = math.max(0, stock - next_unit) + redis.call('ZCARD', free)
if not is_shut then redis.call('HSET', gate, 'epoch', to, 'run_id', '', 'shut_run_id', server_run_id()) end
return { left, seq }
