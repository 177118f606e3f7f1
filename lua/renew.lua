-- Renews leases, and merges statistics into the side values on the way. Never revives a lapsed lease.
--
-- Includes: time side
-- KEYS: 1 <base>active; the others derive from it, in the same slot
-- ARGV: 1 deadline (ms)  2 layout version  3 channel told of statistics  4 number of ids, then the ids,
--       then the number of fences and for each: place of its id, fence,
--       then for each side value: place of its id, side value, number of entries, then for each: index, score
-- Returns: {done, now, a letter for each: a alive | m missing | s stale} | {late, now} | {layout, now}
-- Complexity: O(ids * log n)
local base = string.sub(KEYS[1], 1, -7)
local active = KEYS[1]
local now = server_now()
if redis.call('HGET', base .. 'idx:layout', 'version') ~= ARGV[2] then return { 'layout', whole(now) } end
if now > tonumber(ARGV[1]) then return { 'late', whole(now) } end

local count = tonumber(ARGV[4])
local ids = { unpack(ARGV, 5, 4 + count) }
local at = 5 + count
local fences = {}
for _ = 1, tonumber(ARGV[at]) do
  fences[tonumber(ARGV[at + 1])] = ARGV[at + 2]
  at = at + 2
end
at = at + 1

local deadlines = redis.call('ZMSCORE', active, unpack(ids))
local find, sub = string.find, string.sub
local records = redis.call('HMGET', base .. 'idx:rec', unpack(ids))
local answers, leases, lease_of = {}, {}, {}
for i = 1, count do
  local record = records[i]
  if not record or not deadlines[i] or tonumber(deadlines[i]) <= now then
    answers[i] = 'm'
  else
    local fence_at = find(record, '\0', 1, true) + 1
    local ttl_at = find(record, '\0', fence_at, true) + 1
    if fences[i] and fences[i] ~= sub(record, fence_at, ttl_at - 2) then
      answers[i] = 's'
    else
      answers[i] = 'a'
      local ttl = sub(record, ttl_at, find(record, '\0', ttl_at, true) - 1)
      local lease = lease_of[ttl]
      if not lease then
        lease = whole(now + tonumber(ttl))
        lease_of[ttl] = lease
      end
      leases[#leases + 1] = lease
      leases[#leases + 1] = ids[i]
    end
  end
end

-- Several reports on one stream may come in one call: each merges into what the one before left.
local sides, merged, scores, reported = {}, {}, {}, {}
while at <= #ARGV do
  local i, entries = tonumber(ARGV[at]), tonumber(ARGV[at + 2])
  if answers[i] == 'a' then
    local id = ids[i]
    sides[id] = merge_side(sides[id] or redis.call('HGET', base .. 'idx:stats', id), ARGV[at + 1])
    merged[#merged + 1] = id
    merged[#merged + 1] = sides[id]
    reported[#reported + 1] = id
    for entry = 1, entries do
      local place = at + 1 + entry * 2
      scores[#scores + 1] = { ARGV[place], ARGV[place + 1], id }
    end
  end
  at = at + 3 + entries * 2
end

if #leases > 0 then
  -- A write that needs no memory goes first: renewing must work out of memory, too.
  redis.call('ZREM', active, '')
  redis.call('ZADD', active, 'XX', unpack(leases))
  redis.call('SET', base .. 'idx:heard', whole(now))
  if #merged > 0 then redis.call('HSET', base .. 'idx:stats', unpack(merged)) end
  if #reported > 0 then redis.call('PUBLISH', ARGV[3], table.concat(reported, ' ')) end
  -- As in lib/entries.lua: a foreign value must not stop the script half way.
  for i = 1, #scores do redis.pcall('ZADD', base .. 'idx:' .. scores[i][1], 'XX', scores[i][2], scores[i][3]) end
end
return { 'done', whole(now), table.concat(answers) }
