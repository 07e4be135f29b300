-- The hash of exceptions: what became of tickets that were not issued as promised.

-- The field of a ticket: the seq at which it stands, or the tag of its user where that is 0.
local function exception_field(seq, tag)
  return seq == 0 and tag or string.format('%.0f', seq)
end
