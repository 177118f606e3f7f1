-- Searches along a section of an index for live records of which all terms hold. One instant.
--
-- Includes: time order section
-- KEYS: 1 <base>active; the others derive from it, in the same slot
-- ARGV: 1 layout version  2-4 section  5 against its order: 1 | 0
--       6 value of the place to go on behind ('' for none)  7 id of that place
--       8 how many matches  9 how many members to look at  10 how many of them at first
--       11 read: documents | ids | count  12 number of terms, then the terms: + | -, section
-- Returns: {done, now, finished: 1 | 0, matched, value and id of the last place looked at ('' for none),
--           then for each match: id, deadline, side value, document | id, value} | {layout, now}
-- Complexity: O(log n + looked at * terms); where the place is gone, a bisection of the ids that share its value
local base = string.sub(KEYS[1], 1, -7)
local now = server_now()
if redis.call('HGET', base .. 'idx:layout', 'version') ~= ARGV[1] then return { 'layout', whole(now) } end

-- The rank of the first member at or behind a place, and whether it is at the place.
local function place_rank(key, is_text, value, id)
  if is_text then
    local member = value .. '\0' .. id
    local rank = redis.call('ZRANK', key, member)
    if rank then return rank, true end
    return redis.call('ZLEXCOUNT', key, '-', '(' .. member), false
  end
  local score = redis.call('ZSCORE', key, id)
  if score and number_of(score) == number_of(value) then return redis.call('ZRANK', key, id), true end
  local start = redis.call('ZCOUNT', key, '-inf', '(' .. value)
  local stop = start + redis.call('ZCOUNT', key, value, value)
  while start < stop do
    local middle = math.floor((start + stop) / 2)
    if is_after(redis.call('ZRANGE', key, middle, middle)[1], id) then stop = middle else start = middle + 1 end
  end
  return start, false
end

local key, min, max = base .. 'idx:' .. ARGV[2], ARGV[3], ARGV[4]
local is_text, descending = is_text_section(min), ARGV[5] == '1'
local limit, budget, read = tonumber(ARGV[8]), tonumber(ARGV[9]), ARGV[11]
local terms = read_terms(base, 13, tonumber(ARGV[12]))
local start, stop = section_ranks(key, min, max)
if ARGV[6] ~= '' then
  local rank, is_taken = place_rank(key, is_text, ARGV[6], ARGV[7])
  if descending then
    stop = math.min(stop, rank)
  else
    start = math.max(start, is_taken and rank + 1 or rank)
  end
end

local found, deadline_of, value_of = {}, {}, {}

-- The ids of members, in the order of the walk.
local function ids_of(members)
  if not is_text and not descending then return members end
  local ids = {}
  for i = 1, #members do
    local member = members[descending and #members + 1 - i or i]
    if is_text then
      local nul = string.find(member, '%z')
      ids[i] = string.sub(member, nul + 1)
      value_of[ids[i]] = string.sub(member, 1, nul - 1)
    else
      ids[i] = member
    end
  end
  return ids
end

local looked, last = 0, nil
local size = tonumber(ARGV[10])
while start < stop and looked < budget and #found < limit do
  size = math.min(size, budget - looked, stop - start)
  local members = descending and redis.call('ZRANGE', key, stop - size, stop - 1)
    or redis.call('ZRANGE', key, start, start + size - 1)
  local ids = ids_of(members)
  local kept = keep(ids, terms)
  local deadlines = #kept > 0 and redis.call('ZMSCORE', KEYS[1], unpack(kept)) or {}
  last = ids[#ids]
  for i = 1, #kept do
    if deadlines[i] and tonumber(deadlines[i]) > now then
      found[#found + 1] = kept[i]
      deadline_of[kept[i]] = deadlines[i]
      if #found == limit then
        last = kept[i]
        break
      end
    end
  end
  looked = looked + #members
  if descending then stop = stop - #members else start = start + #members end
  -- The rest of the chunk was not looked at.
  if last ~= ids[#ids] then start = stop - 1 end
  size = math.min(size * 2, 1000)
end

local function value_at(id)
  return value_of[id] or redis.call('ZSCORE', key, id)
end

local finished = start >= stop
local answer = { 'done', whole(now), finished and '1' or '0', whole(#found), last and value_at(last) or '', last or '' }
if #found == 0 or read == 'count' then return answer end
local n = 6
if read == 'ids' then
  for i = 1, #found do
    answer[n + 1], answer[n + 2] = found[i], value_at(found[i])
    n = n + 2
  end
  return answer
end
local keys = {}
for i = 1, #found do keys[i] = base .. found[i] end
local sides = redis.call('HMGET', base .. 'idx:stats', unpack(found))
local docs = redis.call('MGET', unpack(keys))
for i = 1, #found do
  if docs[i] then
    local id = found[i]
    answer[n + 1], answer[n + 2], answer[n + 3], answer[n + 4] = id, deadline_of[id], sides[i] or '', docs[i]
    n = n + 4
  end
end
return answer
