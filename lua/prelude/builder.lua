-- Whether the caller is the one builder of a gate that is being rebuilt.
--
-- uses: run
-- ERRORS: SLUICE_EPOCH

-- The error that the script must return, or nothing.
local function builder_refusal(gate, epoch, builder)
  local build = redis.call('HMGET', gate, 'epoch', 'builder', 'built_run_id')
  if build[1] ~= epoch or build[2] ~= builder or build[3] ~= server_run_id() then
    return redis.error_reply('SLUICE_EPOCH another builder works on this gate, or its server was started again')
  end
end
