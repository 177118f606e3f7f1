-- Compares the counters with a count of all records, and sets them right if told to.
--
-- Includes: (none)
-- KEYS: 1 <base>active; the others derive from it, in the same slot
-- ARGV: 1 last log id at which the records were counted ('' for none)  2 repair: 1 | 0, then counter, count, ...
-- Returns: {changed} when something was written since, else {counter, ...}: those that are wrong
-- Complexity: O(counters)
local base = string.sub(KEYS[1], 1, -7)
local counts = base .. 'idx:counts'
if (redis.call('GET', base .. 'log:last') or '') ~= ARGV[1] then return { 'changed' } end

local expected, wrong = {}, {}
for i = 3, #ARGV, 2 do
  expected[ARGV[i]] = true
  if redis.call('HGET', counts, ARGV[i]) ~= ARGV[i + 1] then
    wrong[#wrong + 1] = ARGV[i]
    if ARGV[2] == '1' then redis.call('HSET', counts, ARGV[i], ARGV[i + 1]) end
  end
end
local stored = redis.call('HKEYS', counts)
for i = 1, #stored do
  if not expected[stored[i]] then
    wrong[#wrong + 1] = stored[i]
    if ARGV[2] == '1' then redis.call('HDEL', counts, stored[i]) end
  end
end
return wrong
