#!lua flags=allow-oom
-- Deletes entries that a rebuilt gate must not deliver, because a row, a letter or a retry has their tickets. The script acks
-- them as well: a worker that still reads its history would find an entry without content, and keep a letter for it.
--
-- uses: builder
-- KEYS: gate work
-- ARGV: epoch builder group id[rest]
-- RETURNS: how many were deleted
-- ERRORS: SLUICE_EPOCH (another builder works on this gate, or its server was started again)
local gate = KEYS[1]
local work = KEYS[2]
local epoch = ARGV[1]
local builder = ARGV[2]
local group = ARGV[3]

local refusal = builder_refusal(gate, epoch, builder)
if refusal then return refusal end
local deleted = 0
for i = 4, #ARGV do
  redis.call('XACK', work, group, ARGV[i])
  deleted = deleted + redis.call('XDEL', work, ARGV[i])
end
return deleted
