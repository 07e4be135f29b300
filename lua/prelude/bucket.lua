-- The unit of the token bucket.

local TOKEN = 1000000 -- `bucket_level` counts millionths of a token, so that a refill is an integer: elapsed µs x rate
