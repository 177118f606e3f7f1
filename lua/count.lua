-- Counts the live records of which all terms hold, where that can be told from the size of a section or a bounded
-- intersection.
--
-- Includes: time section
-- KEYS: 1 <base>active; the others derive from it, in the same slot
-- ARGV: 1 layout version  2 how many lapsed records to subtract at most  3 how many members to intersect at most
--       4 number of terms, then the terms: + | -, section
-- Returns: {done, now, count} | {backlog, now}: more have lapsed, sweep first | {walk, now}: too many | {layout, now}
-- Complexity: O(log n), O(members intersected * terms + lapsed)
local base = string.sub(KEYS[1], 1, -7)
local now = server_now()
local count = tonumber(ARGV[4])
if count == 0 then return { 'done', whole(now), redis.call('ZCOUNT', KEYS[1], '(' .. whole(now), '+inf') } end
if redis.call('HGET', base .. 'idx:layout', 'version') ~= ARGV[1] then return { 'layout', whole(now) } end

local smallest, whole_sets = nil, {}
for i = 0, count - 1 do
  local at = 5 + i * 4
  local key, min, max = base .. 'idx:' .. ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  -- What excludes, and what a range cuts, no intersection can count.
  if count > 1 and (ARGV[at] == '-' or min ~= '-inf' or max ~= '+inf') then return { 'walk', whole(now) } end
  local size = section_size(key, min, max)
  if not smallest or size < smallest then smallest = size end
  whole_sets[i + 1] = key
end
if ARGV[5] == '-' or (count > 1 and smallest > tonumber(ARGV[3])) then return { 'walk', whole(now) } end

local limit = tonumber(ARGV[2])
local lapsed = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', whole(now), 'LIMIT', 0, limit + 1)
if #lapsed > limit then return { 'backlog', whole(now) } end
local gone = #keep(lapsed, read_terms(base, 5, count))
local members = count == 1 and smallest or redis.call('ZINTERCARD', count, unpack(whole_sets))
return { 'done', whole(now), members - gone }
