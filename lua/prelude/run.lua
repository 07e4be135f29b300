-- Which run of the server this is. A server that was started again, or promoted, may have forgotten a part of the gate.
-- The run id is the server's own, so that no old snapshot can vouch for itself.
-- ERRORS: SLUICE_UNVERIFIED

local function server_run_id()
  return string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
end

-- The error that the script must return while no worker has compared the gate with the ledger in this run, or nothing.
local function run_refusal(run_id)
  if server_run_id() ~= run_id then
    return redis.error_reply('SLUICE_UNVERIFIED the gate is not verified since its server started')
  end
end
