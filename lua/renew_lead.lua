-- Prolongs a leader's lease that has not run out.
--
-- Includes: time
-- KEYS: 1 <base>active; the others derive from it, in the same slot
-- ARGV: 1 what is led  2 holder  3 token  4 lease (ms)
-- Returns: {done, now} | {lost, now}
-- Complexity: O(1)
local key = string.sub(KEYS[1], 1, -7) .. 'idx:lead:' .. ARGV[1]
local now = server_now()
local holder, untill, token = unpack(redis.call('HMGET', key, 'holder', 'until', 'token'))
local is_held = holder == ARGV[2] and token == ARGV[3] and untill and tonumber(untill) > now
if not is_held then return { 'lost', whole(now) } end
-- A write that needs no memory goes first: there must be a leader out of memory, too.
redis.call('ZREM', KEYS[1], '')
redis.call('HSET', key, 'until', whole(now + tonumber(ARGV[4])))
return { 'done', whole(now) }
