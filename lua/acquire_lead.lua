-- Takes a leader's lease, or prolongs the holder's own.
--
-- Includes: time
-- KEYS: 1 <base>active; the others derive from it, in the same slot
-- ARGV: 1 what is led  2 holder  3 its label  4 lease (ms)
-- Returns: {done, now, token} | {held, now, label, milliseconds left}
-- Complexity: O(1)
local key = string.sub(KEYS[1], 1, -7) .. 'idx:lead:' .. ARGV[1]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local holder, untill, token, label = unpack(redis.call('HMGET', key, 'holder', 'until', 'token', 'label'))
local is_live = untill and tonumber(untill) > now
if is_live and holder ~= ARGV[2] then return { 'held', whole(now), label, whole(tonumber(untill) - now) } end
-- Never lower than the time in microseconds: tokens grow also after everything was flushed.
if not is_live then token = whole(math.max((tonumber(token) or 0) + 1, time[1] * 1000000 + time[2])) end
-- A write that needs no memory goes first: there must be a leader out of memory, too.
redis.call('ZREM', KEYS[1], '')
redis.call('HSET', key, 'holder', ARGV[2], 'until', whole(now + tonumber(ARGV[4])), 'token', token, 'label', ARGV[3])
return { 'done', whole(now), token }
