#!lua flags=no-writes
-- What became of the ticket of one user, asked only when memory cannot tell.
--
-- uses: epoch, corrupt, place, exception, group
-- KEYS: gate users exceptions work[shards]
-- ARGV: group shards tag epoch
-- RETURNS: status place unit
--
-- status  'lost' (this user holds no ticket), 'queued', 'settled' (issued as promised) or the exceptional outcome
-- place   the seq at which the ticket stands; 0 when it was settled before this gate was rebuilt
-- unit    the unit it stands for
-- ERRORS: SLUICE_GATE_MISSING, SLUICE_EPOCH, SLUICE_CORRUPT
local gate = KEYS[1]
local users = KEYS[2]
local exceptions = KEYS[3]
local group = ARGV[1]
local shards = tonumber(ARGV[2])
local tag = ARGV[3]
local epoch = ARGV[4]

local refusal = epoch_refusal(redis.call('HGET', gate, 'epoch'), epoch)
if refusal then return refusal end
local packed = redis.call('HGET', users, tag)
if not packed then return {'lost', 0, 0} end
local place, unit = unpack_place(packed)
if not place then return corrupt('the entry of a user') end

local exception = redis.call('HGET', exceptions, exception_field(place, tag))
if exception then return {exception, place, unit} end
if place == 0 then return {'settled', place, unit} end
local shard = place % shards
local watermark = redis.call('HGET', gate, 'watermark:' .. shard)
if place <= tonumber(watermark or '0') then return {'settled', place, unit} end

local work, id = KEYS[4 + shard], string.format('%.0f-0', place)
local last_delivered = last_delivered_seq(work, group)
if not last_delivered or last_delivered < place then return {'queued', place, unit} end
local pending = redis.call('XPENDING', work, group, id, id, 1)
-- Beyond the watermark an acked entry is still there. One that is not was deleted by somebody: nothing is settled.
local acked = #pending == 0 and #redis.call('XRANGE', work, id, id) > 0
return {acked and 'settled' or 'queued', place, unit}
