-- Tells when the first lease ends, of those that are not finished.
--
-- Includes: time
-- KEYS: 1 <base>active; the others derive from it, in the same slot
-- ARGV: none
-- Returns: {done, now, deadline}, '' for none
-- Complexity: O(log n)
local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
return { 'done', whole(server_now()), first[2] or '' }
