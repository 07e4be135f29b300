#!lua
-- Decides a batch of joins for one campaign, in arrival order, atomically. All or nothing: everything that can fail is
-- read and checked before the first write, because a script has no rollback. Only an id that a deleted entry used up shows
-- at XADD: to read the last id ever used costs as much as eight joins (XINFO). Then what was written is taken back.
--
-- uses: epoch, run, corrupt, place, bucket, turns
-- KEYS: gate free turns work[shards] users[count]
-- ARGV: epoch deadline shards count campaign (tag user)[count] trace[count]
-- RETURNS: now seq remaining wait opens_at (decision seq unit admitted_at epoch)[count]
--
-- gate      hash: the campaign's projection and its counters
-- free      sorted set: units that came back, handed out again before new ones, lowest first
-- turns     the line of the lane: the campaign stands in it from the first admission on that nobody has settled
-- work      streams: entry `<seq>-0` goes to work[seq mod shards]; it says its epoch unless that is the first
-- users     hash buckets: tag -> packed place; one key for each user of the batch
-- trace     W3C traceparent or empty, for each user; left out altogether when no join of the batch is traced
-- deadline  epoch ms by this server's clock, after which nobody waits for the answer; 0 for none
-- decision  0 admitted, 1 known, 2 throttled, 3 backlogged, 4 sold-out, 5 not-open, 6 paused, 7 ended, 8 expired,
--           9 recovering (just rebuilt: holders of lost tickets come first)
-- epoch     of the ticket; 0 where its seq says it (`epochs` of the gate)
-- wait      ms until the token bucket holds a token again; 0 when it does
-- ERRORS: SLUICE_GATE_MISSING, SLUICE_EPOCH, SLUICE_UNVERIFIED, SLUICE_CORRUPT
local gate = KEYS[1]
local free = KEYS[2]
local turns = KEYS[3]
local epoch = ARGV[1]
local deadline = tonumber(ARGV[2])
local shards = tonumber(ARGV[3])
local count = tonumber(ARGV[4])
local campaign = ARGV[5]
local FIRST_WORK, FIRST_USERS, FIRST_JOIN, FIRST_TRACE = 3, 3 + shards, 5, 5 + 2 * count
local MAX_INTEGER = 9007199254740991 -- 2^53 - 1; a seq stays below 10^14, where tostring is still exact
local call, try = redis.call, redis.pcall -- looked up once: a global costs a tenth of an HSET

-- Somebody else wrote to a work stream: a worker sees it too, and builds the gate anew.
local function ahead(why)
  return redis.error_reply('SLUICE_UNVERIFIED a work stream is ahead of the gate: ' .. why)
end

local function is_integer(text)
  return string.find(text, '^%d+$') and tonumber(text) <= MAX_INTEGER
end

local fields = call('HMGET', gate, 'epoch', 'state', 'opens_at', 'closes_at', 'stock', 'rate', 'burst',
  'backlog_max', 'shards', 'seq', 'next_unit', 'settled', 'bucket_level', 'bucket_at',
  'recovering_until', 'run_id')
local refusal = epoch_refusal(fields[1], epoch) or run_refusal(fields[16])
if refusal then return refusal end
local state = fields[2]
if state ~= 'active' and state ~= 'paused' and state ~= 'closed' then return corrupt('state of the gate') end
local number = {}
for i = 3, 15 do
  if not fields[i] then return corrupt('field ' .. i .. ' of the gate is missing') end
  number[i] = tonumber(fields[i])
end
-- All at once: a pattern for each field would cost as much as an admission.
if string.find(table.concat(fields, ',', 3, 15), '[^%d,]') then return corrupt('a field of the gate is no integer') end
for i = 3, 15 do
  if not number[i] or number[i] > MAX_INTEGER then return corrupt('field ' .. i .. ' of the gate is no integer') end
end
local opens_at, closes_at, stock, rate, burst, backlog_max = number[3], number[4], number[5], number[6], number[7], number[8]
local seq, next_unit, settled, level, bucket_at = number[10], number[11], number[12], number[13], number[14]
if number[9] ~= shards then return corrupt('the gate has another number of shards') end

local free_count = call('ZCARD', free)
local free_units = free_count > 0 and call('ZRANGE', free, 0, count - 1) or {}
for i = 1, #free_units do
  if not is_integer(free_units[i]) then return corrupt('a unit in the free list') end
end

local time = call('TIME')
local now_us = tonumber(time[1]) * 1000000 + tonumber(time[2])
local now = math.floor(now_us / 1000)

if rate > 0 then
  local full = burst * TOKEN
  -- Clamped: a clock that leaps ahead fills the bucket once. So does one that is set back by more than a second: nobody
  -- would be admitted until it has caught up. One that trembles refills nothing.
  local elapsed = now_us - bucket_at
  if elapsed < -1000000 then elapsed = math.huge end
  elapsed = math.max(0, math.min(elapsed, math.ceil(full / rate)))
  level = math.min(full, level + elapsed * rate)
end

local closed
if deadline > 0 and now > deadline then closed = 8
elseif state == 'closed' or (closes_at > 0 and now >= closes_at) then closed = 7
elseif state == 'paused' then closed = 6
elseif now < opens_at then closed = 5
elseif now < number[15] and number[15] - now <= tonumber(call('HGET', gate, 'grace') or '0') then
  closed = 9 -- more than the grace is left only where the clock was set back since: then it is over
end

local reply = {now, 0, 0, 0, opens_at}
local admitted = {} -- position in the batch of each new admission, in order
local seen = {}
local taken = 0
local first_seq = seq + 1

for i = 1, count do
  local tag = ARGV[FIRST_JOIN + 2 * i - 1]
  local slot = 5 + 5 * (i - 1)
  local decision, its_seq, its_unit, its_time, its_epoch = closed, 0, 0, 0, 0
  if closed ~= 8 then
    local earlier = seen[tag]
    local packed = not earlier and call('HGET', KEYS[FIRST_USERS + i], tag)
    if earlier then
      decision, its_seq, its_unit, its_time = 1, reply[earlier + 2], reply[earlier + 3], reply[earlier + 4]
    elseif packed then
      decision = 1
      its_seq, its_unit, its_time = unpack_place(packed)
      if not its_seq then return corrupt('the entry of a user') end
      if #packed > PLACE_BYTES then its_epoch, its_seq, its_unit = unpack_bytes(SIGNED, packed, PLACE_BYTES + 1) end
    elseif not closed then
      local next_free = free_units[taken + 1]
      if not next_free and next_unit >= stock then decision = 4
      elseif rate > 0 and level < TOKEN then decision = 2
      elseif backlog_max > 0 and seq - settled >= backlog_max then decision = 3
      else
        decision = 0
        if rate > 0 then level = level - TOKEN end
        if next_free then
          taken = taken + 1
          its_unit = tonumber(next_free)
        else
          next_unit = next_unit + 1
          its_unit = next_unit
        end
        seq = seq + 1
        its_seq, its_time = seq, now
        admitted[#admitted + 1] = i
        seen[tag] = slot
      end
    end
  end
  reply[slot + 1], reply[slot + 2], reply[slot + 3], reply[slot + 4] = decision, its_seq, its_unit, its_time
  reply[slot + 5] = its_epoch
end

local function take_back(count_written)
  for n = 1, count_written do
    local i = admitted[n]
    local its_seq = reply[5 + 5 * (i - 1) + 2]
    call('XDEL', KEYS[FIRST_WORK + 1 + its_seq % shards], its_seq .. '-0')
    call('HDEL', KEYS[FIRST_USERS + i], ARGV[FIRST_JOIN + 2 * i - 1])
  end
end

if #admitted > 0 then
  -- An entry ID must grow: a stream that somebody else wrote to would make XADD fail half-way through.
  for s = first_seq, math.min(seq, first_seq + shards - 1) do
    if #call('XREVRANGE', KEYS[FIRST_WORK + 1 + s % shards], '+', s .. '-0', 'COUNT', 1) > 0 then
      return ahead('it has ' .. s .. '-0 or later')
    end
  end

  -- Redis turns numbers into text at a quarter of the price of an XADD each: what repeats is turned once.
  local now_text = string.format('%.0f', now)
  for n = 1, #admitted do
    local i = admitted[n]
    local slot = 5 + 5 * (i - 1)
    local its_seq, its_unit = reply[slot + 2], reply[slot + 3]
    local tag, user, trace = ARGV[FIRST_JOIN + 2 * i - 1], ARGV[FIRST_JOIN + 2 * i], ARGV[FIRST_TRACE + i]
    local seq_text = tostring(its_seq)
    local unit_text = its_unit == its_seq and seq_text or tostring(its_unit)
    local work, id = KEYS[FIRST_WORK + 1 + its_seq % shards], seq_text .. '-0'
    local added
    if epoch ~= '1' then
      added = try('XADD', work, id, 'user', user, 'unit', unit_text, 'admitted_at', now_text, 'epoch', epoch,
        'traceparent', trace or '')
    elseif trace and trace ~= '' then
      added = try('XADD', work, id, 'user', user, 'unit', unit_text, 'admitted_at', now_text, 'traceparent', trace)
    else
      added = try('XADD', work, id, 'user', user, 'unit', unit_text, 'admitted_at', now_text)
    end
    if type(added) == 'table' then
      take_back(n - 1)
      return ahead(added.err)
    end
    call('HSET', KEYS[FIRST_USERS + i], tag, pack_bytes(PLACE, its_seq, its_unit, now))
  end
  if taken > 0 then call('ZREMRANGEBYRANK', free, 0, taken - 1) end
  call('HSET', gate, 'seq', seq, 'next_unit', next_unit, 'bucket_level', level, 'bucket_at', now_us)
  if first_seq - 1 <= settled then arrive(turns, campaign) end
end

reply[2] = seq
reply[3] = math.max(0, stock - next_unit) + free_count - taken
if rate > 0 and level < TOKEN then reply[4] = math.ceil((TOKEN - level) / rate / 1000) end
return reply
