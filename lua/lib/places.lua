-- Places in indexes: a value, as text, and an id.

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

-- Whether one place comes behind another in an index.
local function is_behind(a, b, is_text)
  if a.value ~= b.value then
    if is_text then return is_after(a.value, b.value) end
    local x, y = number_of(a.value), number_of(b.value)
    if x ~= y then return x > y end
  end
  return is_after(a.id, b.id)
end

-- What branches found, in order, each id once, up to where all of them have looked.
local function merge_branches(branches, value_in, descending, limit)
  local is_text = branches[1].is_text
  local function comes_later(a, b)
    if descending then return is_behind(b, a, is_text) end
    return is_behind(a, b, is_text)
  end
  local frontier = nil
  for i = 1, #branches do
    local branch = branches[i]
    if not branch.finished then
      local last = { value = value_in(branch, branch.last), id = branch.last }
      if not frontier or comes_later(frontier, last) then frontier = last end
    end
  end
  local rows, is_found = {}, {}
  for i = 1, #branches do
    local branch = branches[i]
    for j = 1, #branch.found do
      local id = branch.found[j]
      if not is_found[id] then
        local row = { value = value_in(branch, id), id = id }
        if not frontier or not comes_later(row, frontier) then
          is_found[id] = true
          rows[#rows + 1] = row
        end
      end
    end
  end
  table.sort(rows, function(a, b) return comes_later(b, a) end)
  if #rows > limit then frontier = rows[limit] end
  local found, values = {}, {}
  for i = 1, math.min(#rows, limit) do found[i], values[i] = rows[i].id, rows[i].value end
  found.values = values
  return found, not frontier, frontier
end
