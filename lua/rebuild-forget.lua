#!lua flags=allow-oom
-- Forgets users of a gate that is being rebuilt.
--
-- uses: builder
-- KEYS: gate users[count]
-- ARGV: epoch builder
-- RETURNS: 1
-- ERRORS: SLUICE_EPOCH (another builder works on this gate, or its server was started again)
local gate = KEYS[1]
local epoch = ARGV[1]
local builder = ARGV[2]

local refusal = builder_refusal(gate, epoch, builder)
if refusal then return refusal end
for i = 2, #KEYS do redis.call('UNLINK', KEYS[i]) end
return 1
