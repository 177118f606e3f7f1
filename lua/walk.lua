-- Searches for live records along sections of indexes that share one order, from one place on: what any of the
-- branches finds, each record once. Of one instant, so that a record which moves between branches is not missed.
--
-- Includes: time order section places
-- KEYS: 1 <base>active; the others derive from it, in the same slot
-- ARGV: 1 layout version  2 against the order: 1 | 0  3 value of the place to go on behind ('' for none)  4 its id
--       5 how many matches  6 how many members to look at in each branch  7 read: documents | ids | count
--       then each branch: section, how many members to look at first, number of terms, terms: + | -, section
-- Returns: {done, now, finished: 1 | 0, matched, value and id of the last place looked at ('' for none),
--           then for each match: id, deadline, side value, document | id, value} | {layout, now}
-- Complexity: O(log n + looked at * terms); where the place is gone, a bisection of the ids that share its value
local base = string.sub(KEYS[1], 1, -7)
local now = server_now()
if redis.call('HGET', base .. 'idx:layout', 'version') ~= ARGV[1] then return { 'layout', whole(now) } end
local descending, limit, budget, read = ARGV[2] == '1', tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7]
local after = ARGV[4] ~= '' and { value = ARGV[3], id = ARGV[4] } or ARGV[3] ~= '' and { value = ARGV[3], id = '' }

local deadline_of = {}
local branches, at = {}, 8
while at <= #ARGV do
  local terms = tonumber(ARGV[at + 4])
  branches[#branches + 1] = {
    key = base .. 'idx:' .. ARGV[at], min = ARGV[at + 1], max = ARGV[at + 2], is_text = is_text_section(ARGV[at + 1]),
    chunk = tonumber(ARGV[at + 3]), terms = read_terms(base, at + 5, terms), value_of = {},
  }
  at = at + 5 + terms * 4
end

-- The ids of members, in the order of the walk.
local function ids_of(branch, members)
  if not branch.is_text and not descending then return members end
  local ids = {}
  for i = 1, #members do
    local member = members[descending and #members + 1 - i or i]
    if branch.is_text then
      local nul = string.find(member, '%z')
      ids[i] = string.sub(member, nul + 1)
      branch.value_of[ids[i]] = string.sub(member, 1, nul - 1)
    else
      ids[i] = member
    end
  end
  return ids
end

-- Looks along one branch. Keeps what it found, where it stopped, and whether that was all.
local function search(branch)
  local key = branch.key
  local start, stop = section_ranks(key, branch.min, branch.max)
  if after then
    local rank, is_taken = place_rank(key, branch.is_text, after.value, after.id)
    if descending then
      stop = math.min(stop, rank)
    else
      start = math.max(start, is_taken and rank + 1 or rank)
    end
  end
  local found, looked, size = {}, 0, branch.chunk
  while start < stop and looked < budget and #found < limit do
    size = math.min(size, budget - looked, stop - start)
    local members = descending and redis.call('ZRANGE', key, stop - size, stop - 1)
      or redis.call('ZRANGE', key, start, start + size - 1)
    local ids = ids_of(branch, members)
    local kept = keep(ids, branch.terms)
    local deadlines = #kept > 0 and redis.call('ZMSCORE', KEYS[1], unpack(kept)) or {}
    branch.last = ids[#ids]
    for i = 1, #kept do
      if deadlines[i] and tonumber(deadlines[i]) > now then
        found[#found + 1] = kept[i]
        deadline_of[kept[i]] = deadlines[i]
        if #found == limit then
          branch.last = kept[i]
          break
        end
      end
    end
    looked = looked + #members
    if descending then stop = stop - #members else start = start + #members end
    -- The rest of the chunk was not looked at.
    if branch.last ~= ids[#ids] then start = stop - 1 end
    size = math.min(size * 2, 1000)
  end
  branch.found, branch.finished = found, start >= stop
end

local function value_in(branch, id)
  return branch.value_of[id] or redis.call('ZSCORE', branch.key, id)
end

local found, finished, last
for i = 1, #branches do search(branches[i]) end
if #branches == 1 then
  local only = branches[1]
  found, finished = only.found, only.finished
  if only.last then last = { value = value_in(only, only.last), id = only.last } end
else
  found, finished, last = merge_branches(branches, value_in, descending, limit)
end

local answer = {
  'done', whole(now), finished and '1' or '0', whole(#found), last and last.value or '', last and last.id or '',
}
if #found == 0 or read == 'count' then return answer end
local n = 6
if read == 'ids' then
  for i = 1, #found do
    answer[n + 1], answer[n + 2] = found[i], found.values and found.values[i] or value_in(branches[1], found[i])
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
