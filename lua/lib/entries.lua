-- Puts an entry (see record.lua) in its index. Of a number or a side entry the value is the score.
local function add_entry(base, id, entry, order)
  local kind = string.sub(entry, 1, 1)
  if kind == 'e' then
    redis.call('ZADD', base .. 'idx:' .. string.sub(entry, 2), order, id)
  elseif kind == 'c' then
    redis.call('HINCRBY', base .. 'idx:counts', string.sub(entry, 2), 1)
  else
    local index, value = split_entry(entry)
    if kind == 't' then
      redis.call('ZADD', base .. 'idx:' .. index, 0, value .. '\0' .. id)
    else
      redis.call('ZADD', base .. 'idx:' .. index, value, id)
    end
  end
end

local function remove_entry(base, id, entry)
  local kind = string.sub(entry, 1, 1)
  if kind == 'e' or kind == 's' then
    redis.call('ZREM', base .. 'idx:' .. string.sub(entry, 2), id)
  elseif kind == 'c' then
    local field = string.sub(entry, 2)
    if redis.call('HINCRBY', base .. 'idx:counts', field, -1) <= 0 then
      redis.call('HDEL', base .. 'idx:counts', field)
    end
  else
    local index, value = split_entry(entry)
    redis.call('ZREM', base .. 'idx:' .. index, kind == 't' and value .. '\0' .. id or id)
  end
end

-- Makes `wanted` (entries as sent, side entries with their score) the entries of the record that had `old` ones.
-- Answers them as they are kept in the bookkeeping. Scores of side entries that were there stay, unless `reset`.
local function replace_entries(base, id, old, wanted, order, reset)
  local had, keeps, kept = {}, {}, {}
  for i = 1, #wanted do
    local entry = wanted[i]
    if string.sub(entry, 1, 1) == 's' then entry = 's' .. split_entry(entry) end
    kept[i] = entry
    keeps[entry] = true
  end
  if old then
    for i = 1, #old.entries do
      local entry = old.entries[i]
      had[entry] = true
      if not keeps[entry] then remove_entry(base, id, entry) end
    end
  end
  local moved = old and old.order ~= order
  for i = 1, #wanted do
    local kind = string.sub(kept[i], 1, 1)
    if not had[kept[i]] or (moved and kind == 'e') or (reset and kind == 's') then
      add_entry(base, id, wanted[i], order)
    end
  end
  return kept
end
