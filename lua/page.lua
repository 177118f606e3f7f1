-- A slice of all records by creation, then id, after a position that need not exist any more. One instant.
--
-- Includes: time order
-- KEYS: 1 <base>active; the others derive from it, in the same slot
-- ARGV: 1 limit  2 order of the position ('' for the start)  3 id of the position
-- Returns: {done, now, order and id of the last position looked at ('' for none), 1 when that was all else 0,
--          then for each live record: id, deadline, side value, document}
-- Complexity: O(log n + limit); where the position is gone, a bisection of the ids that share its order
local base = string.sub(KEYS[1], 1, -7)
local index = base .. 'idx:created_at'
local now = server_now()
local limit = tonumber(ARGV[1])

local start = 0
if ARGV[2] ~= '' then
  local order, id = ARGV[2], ARGV[3]
  local score = redis.call('ZSCORE', index, id)
  if score and tonumber(score) == tonumber(order) then
    start = redis.call('ZRANK', index, id) + 1
  else
    start = redis.call('ZCOUNT', index, '-inf', '(' .. order)
    local stop = start + redis.call('ZCOUNT', index, order, order)
    while start < stop do
      local middle = math.floor((start + stop) / 2)
      if is_after(redis.call('ZRANGE', index, middle, middle)[1], id) then stop = middle else start = middle + 1 end
    end
  end
end

local ids = redis.call('ZRANGE', index, start, start + limit - 1)
if #ids == 0 then return { 'done', whole(now), '', '', '1' } end
local keys = {}
for i = 1, #ids do keys[i] = base .. ids[i] end
local deadlines = redis.call('ZMSCORE', KEYS[1], unpack(ids))
local sides = redis.call('HMGET', base .. 'idx:stats', unpack(ids))
local docs = redis.call('MGET', unpack(keys))

local last = ids[#ids]
local answer = { 'done', whole(now), redis.call('ZSCORE', index, last), last, #ids < limit and '1' or '0' }
local n = 5
for i = 1, #ids do
  if deadlines[i] and docs[i] and tonumber(deadlines[i]) > now then
    answer[n + 1], answer[n + 2], answer[n + 3], answer[n + 4] = ids[i], deadlines[i], sides[i] or '', docs[i]
    n = n + 4
  end
end
return answer
