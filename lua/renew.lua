-- Renews leases, and merges statistics into the side values on the way. Never revives a lapsed lease.
--
-- Includes: time side
-- KEYS: 1 <base>active; the others derive from it, in the same slot
-- ARGV: 1 deadline (ms)  2 layout version  3 number of renewals, then for each:
--       id, fence ('' for any), side value ('' for none), number of side entries, then for each: index, score
-- Returns: {done, now, a letter for each: a alive | m missing | s stale} | {late, now} | {layout, now}
-- Complexity: O(renewals * log n)
local base = string.sub(KEYS[1], 1, -7)
local active = KEYS[1]
local now = server_now()
if redis.call('HGET', base .. 'idx:layout', 'version') ~= ARGV[2] then return { 'layout', whole(now) } end
if now > tonumber(ARGV[1]) then return { 'late', whole(now) } end

local count = tonumber(ARGV[3])
local ids, first, with_side = {}, {}, {}
local at = 4
for i = 1, count do
  ids[i] = ARGV[at]
  first[i] = at
  if ARGV[at + 2] ~= '' then with_side[#with_side + 1] = ARGV[at] end
  at = at + 4 + tonumber(ARGV[at + 3]) * 2
end

local deadlines = redis.call('ZMSCORE', active, unpack(ids))
local records = redis.call('HMGET', base .. 'idx:rec', unpack(ids))
local sides = {}
if #with_side > 0 then
  local values = redis.call('HMGET', base .. 'idx:stats', unpack(with_side))
  for i = 1, #with_side do sides[with_side[i]] = values[i] end
end

local answers, leases, merged, scores = {}, {}, {}, {}
for i = 1, count do
  local fence, ttl
  if deadlines[i] and tonumber(deadlines[i]) > now and records[i] then
    fence, ttl = string.match(records[i], '^[^%z]*%z([^%z]*)%z(%d+)%z')
  end
  if not ttl then
    answers[i] = 'm'
  elseif ARGV[first[i] + 1] ~= '' and ARGV[first[i] + 1] ~= fence then
    answers[i] = 's'
  else
    answers[i] = 'a'
    leases[#leases + 1] = whole(now + tonumber(ttl))
    leases[#leases + 1] = ids[i]
    local side = ARGV[first[i] + 2]
    if side ~= '' then
      side = merge_side(sides[ids[i]], side)
      sides[ids[i]] = side
      merged[#merged + 1] = ids[i]
      merged[#merged + 1] = side
      for entry = 1, tonumber(ARGV[first[i] + 3]) do
        local place = first[i] + 2 + entry * 2
        scores[#scores + 1] = { ARGV[place], ARGV[place + 1], ids[i] }
      end
    end
  end
end

if #leases > 0 then
  -- A write that needs no memory goes first: renewing must work out of memory, too.
  redis.call('ZREM', active, '')
  redis.call('ZADD', active, 'XX', unpack(leases))
  if #merged > 0 then redis.call('HSET', base .. 'idx:stats', unpack(merged)) end
  for i = 1, #scores do redis.call('ZADD', base .. 'idx:' .. scores[i][1], 'XX', scores[i][2], scores[i][3]) end
end
return { 'done', whole(now), table.concat(answers) }
