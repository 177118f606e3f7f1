-- Reads leases alone.
--
-- Includes: time
-- KEYS: 1 <base>active; the others derive from it, in the same slot
-- ARGV: ids
-- Returns: {done, now, deadlines}, a list with '' for what has run out or is not there
-- Complexity: O(ids)
local now = server_now()
local deadlines = redis.call('ZMSCORE', KEYS[1], unpack(ARGV))
for i = 1, #ARGV do
  if not deadlines[i] or tonumber(deadlines[i]) <= now then deadlines[i] = '' end
end
return { 'done', whole(now), deadlines }
