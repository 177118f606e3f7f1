-- How many members sections of indexes have, lapsed ones included.
--
-- Includes: time section
-- KEYS: 1 <base>active; the others derive from it, in the same slot
-- ARGV: 1 layout version, then the sections
-- Returns: {done, now, size, ...} | {layout, now}
-- Complexity: O(sections * log n)
local base = string.sub(KEYS[1], 1, -7)
local now = whole(server_now())
if redis.call('HGET', base .. 'idx:layout', 'version') ~= ARGV[1] then return { 'layout', now } end
local answer = { 'done', now }
for i = 2, #ARGV, 3 do answer[#answer + 1] = section_size(base .. 'idx:' .. ARGV[i], ARGV[i + 1], ARGV[i + 2]) end
return answer
