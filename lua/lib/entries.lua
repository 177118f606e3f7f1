-- The score of an entry over the side value. `place` is the field, and what it counts as while nobody reported it.
local function side_score(side, place)
  local field, missing = string.match(place, '^([^|]*)|(.*)$')
  return side and string.match(side, '"' .. field .. '":([^,}]+)') or missing
end

-- An index key that holds a foreign value must not stop a script half way: its entries are then missing, which
-- `verify` finds, and the record itself is whole.
local function add_entry(base, id, entry, order, side)
  local kind = string.sub(entry, 1, 1)
  if kind == 'e' then
    redis.pcall('ZADD', base .. 'idx:' .. string.sub(entry, 2), order, id)
  elseif kind == 'c' then
    redis.pcall('HINCRBY', base .. 'idx:counts', string.sub(entry, 2), 1)
  else
    local index, value = split_entry(entry)
    local key = base .. 'idx:' .. index
    if kind == 't' then
      redis.pcall('ZADD', key, 0, value .. '\0' .. id)
    elseif kind == 's' then
      redis.pcall('ZADD', key, side_score(side, value), id)
    else
      redis.pcall('ZADD', key, value, id)
    end
  end
end

local function remove_entry(base, id, entry)
  local kind = string.sub(entry, 1, 1)
  if kind == 'e' then
    redis.pcall('ZREM', base .. 'idx:' .. string.sub(entry, 2), id)
  elseif kind == 'c' then
    local field = string.sub(entry, 2)
    local count = redis.pcall('HINCRBY', base .. 'idx:counts', field, -1)
    if type(count) == 'number' and count <= 0 then redis.call('HDEL', base .. 'idx:counts', field) end
  else
    local index, value = split_entry(entry)
    redis.pcall('ZREM', base .. 'idx:' .. index, kind == 't' and value .. '\0' .. id or id)
  end
end
