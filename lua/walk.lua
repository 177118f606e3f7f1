-- A slice of an index, in its order, after a position that need not exist any more.
--
-- Includes: (none)
-- KEYS: 1 the index, a sorted set
-- ARGV: 1 limit  2 order of the position ('' for the start)  3 id of the position
-- Returns: {id, order, ...}
-- Complexity: O(log n + limit); where the position is gone, a bisection of the ids that share its order
local index = KEYS[1]
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
      if redis.call('ZRANGE', index, middle, middle)[1] <= id then start = middle + 1 else stop = middle end
    end
  end
end
return redis.call('ZRANGE', index, start, start + tonumber(ARGV[1]) - 1, 'WITHSCORES')
