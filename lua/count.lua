-- Counts the live records of a partition.
--
-- Includes: time
-- KEYS: 1 <base>active
-- ARGV: (none)
-- Returns: {done, now, count}
-- Complexity: O(log n)
local now = server_now()
return { 'done', whole(now), redis.call('ZCOUNT', KEYS[1], '(' .. whole(now), '+inf') }
