-- The packed place of a user, the value of a tag in a bucket, as src/domain/place.ts reads and writes it. 16 bytes: the seq at
-- which the ticket stands, its unit, and when it was admitted. 28 bytes for a ticket whose place was lost and restored: the
-- same of where it stands now (seq 0: settled before this gate), then epoch, seq and unit as they were signed.

local PLACE, PLACE_BYTES = '>I6I4I6', 16
local SIGNED, SIGNED_BYTES = '>I2I6I4', 12
local pack_bytes, unpack_bytes = struct.pack, struct.unpack -- looked up once: a global costs a tenth of an HSET

-- seq, unit, admitted_at; nothing where the value has another length: somebody else wrote it.
local function unpack_place(packed)
  local bytes = #packed
  if bytes == PLACE_BYTES or bytes == PLACE_BYTES + SIGNED_BYTES then return unpack_bytes(PLACE, packed) end
end
