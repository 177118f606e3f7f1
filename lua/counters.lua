-- The counters of an index, less the records that have lapsed and are not swept yet.
--
-- Includes: time
-- KEYS: 1 <base>active; the others derive from it, in the same slot
-- ARGV: 1 index  2 how many lapsed records to subtract at most
-- Returns: {done, now, value, count, ...} | {backlog, now} when more have lapsed: sweep first
-- Complexity: O(counters + lapsed)
local base = string.sub(KEYS[1], 1, -7)
local now = server_now()
local limit = tonumber(ARGV[2])
local lapsed = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', whole(now), 'LIMIT', 0, limit + 1)
if #lapsed > limit then return { 'backlog', whole(now) } end

local prefix = ARGV[1] .. ':'
local counts, values = {}, {}
local stored = redis.call('HGETALL', base .. 'idx:counts')
for i = 1, #stored, 2 do
  if string.sub(stored[i], 1, #prefix) == prefix then
    local value = string.sub(stored[i], #prefix + 1)
    values[#values + 1] = value
    counts[value] = tonumber(stored[i + 1])
  end
end

if #lapsed > 0 then
  local marker = '\0c' .. prefix
  local records = redis.call('HMGET', base .. 'idx:rec', unpack(lapsed))
  for i = 1, #records do
    local from = records[i] and string.find(records[i], marker, 1, true)
    if from then
      local value = string.match(records[i], '^([^%z]*)', from + #marker)
      if counts[value] then counts[value] = counts[value] - 1 end
    end
  end
end

local answer = { 'done', whole(now) }
for i = 1, #values do
  answer[#answer + 1] = values[i]
  answer[#answer + 1] = counts[values[i]]
end
return answer
