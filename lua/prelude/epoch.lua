-- Whether the gate is there and of the epoch that the caller knows: in a later one, seqs and units may be other people's.
-- ERRORS: SLUICE_GATE_MISSING, SLUICE_EPOCH

-- The error that the script must return, or nothing.
local function epoch_refusal(its_epoch, epoch)
  if its_epoch == epoch then return end
  if not its_epoch then return redis.error_reply('SLUICE_GATE_MISSING no gate for this campaign') end
  return redis.error_reply('SLUICE_EPOCH gate is of epoch ' .. its_epoch)
end
