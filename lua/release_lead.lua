-- Gives a leader's lease up, and tells those who wait for it. The token stays: the next one is higher.
--
-- Includes: time
-- KEYS: 1 <base>active; the others derive from it, in the same slot
-- ARGV: 1 what is led  2 holder  3 token ('' for any)  4 channel
-- Returns: {done, now}
-- Complexity: O(1)
local key = string.sub(KEYS[1], 1, -7) .. 'idx:lead:' .. ARGV[1]
local now = server_now()
local holder, token = unpack(redis.call('HMGET', key, 'holder', 'token'))
if holder == ARGV[2] and (ARGV[3] == '' or ARGV[3] == token) then
  -- A write that needs no memory goes first: there must be a leader out of memory, too.
  redis.call('ZREM', KEYS[1], '')
  redis.call('HSET', key, 'holder', '', 'until', '0')
  redis.call('PUBLISH', ARGV[4], ARGV[1])
end
return { 'done', whole(now) }
