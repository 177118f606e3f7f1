-- Counts the live records of which all terms of a branch hold, summed over branches of which no two have a record in
-- common, where that can be told from the sizes of sections or bounded intersections. Of one instant.
--
-- Includes: time section
-- KEYS: 1 <base>active; the others derive from it, in the same slot
-- ARGV: 1 layout version  2 how many lapsed records to subtract at most  3 how many members to intersect at most
--       then each branch: number of terms, terms: + | -, section
-- Returns: {done, now, count} | {backlog, now}: more have lapsed, sweep first | {walk, now}: too many | {layout, now}
-- Complexity: O(log n), O(members intersected * terms + lapsed * terms)
local base = string.sub(KEYS[1], 1, -7)
local now = server_now()
if #ARGV == 4 and ARGV[4] == '0' then
  return { 'done', whole(now), redis.call('ZCOUNT', KEYS[1], '(' .. whole(now), '+inf') }
end
if redis.call('HGET', base .. 'idx:layout', 'version') ~= ARGV[1] then return { 'layout', whole(now) } end

local limit = tonumber(ARGV[2])
local lapsed = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', whole(now), 'LIMIT', 0, limit + 1)
if #lapsed > limit then return { 'backlog', whole(now) } end

-- How many members all terms hold for, lapsed ones included; nil where that would take too long.
local function members(at, count)
  local smallest, keys = nil, {}
  for i = 0, count - 1 do
    local term = at + i * 4
    local key, min, max = base .. 'idx:' .. ARGV[term + 1], ARGV[term + 2], ARGV[term + 3]
    -- What excludes, and what a range cuts, no intersection can count.
    if ARGV[term] == '-' or count > 1 and (min ~= '-inf' or max ~= '+inf') then return nil end
    local size = section_size(key, min, max)
    if not smallest or size < smallest then smallest = size end
    keys[i + 1] = key
  end
  if count == 1 then return smallest end
  return smallest * count <= tonumber(ARGV[3]) and redis.call('ZINTERCARD', count, unpack(keys)) or nil
end

local total, at = 0, 4
while at <= #ARGV do
  local count = tonumber(ARGV[at])
  local size = members(at + 1, count)
  if not size then return { 'walk', whole(now) } end
  total = total + size - #keep(lapsed, read_terms(base, at + 1, count))
  at = at + 1 + count * 4
end
return { 'done', whole(now), total }
