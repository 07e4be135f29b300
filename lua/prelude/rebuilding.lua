-- Whether the gate is being rebuilt: then it has no run id.
-- ERRORS: SLUICE_UNVERIFIED

-- The error that the script must return, or nothing.
local function rebuild_refusal(run_id)
  if run_id == '' then return redis.error_reply('SLUICE_UNVERIFIED the gate is being rebuilt') end
end
