-- Makes `wanted` the entries of the record that had `old` ones. `reset`: the side value is a new one.
local function replace_entries(base, id, old, wanted, order, side, reset)
  local had, keeps = {}, {}
  for i = 1, #wanted do keeps[wanted[i]] = true end
  if old then
    for i = 1, #old.entries do
      local entry = old.entries[i]
      had[entry] = true
      if not keeps[entry] then remove_entry(base, id, entry) end
    end
  end
  local moved = old and old.order ~= order
  for i = 1, #wanted do
    local kind = string.sub(wanted[i], 1, 1)
    if not had[wanted[i]] or (moved and kind == 'e') or (reset and kind == 's') then
      add_entry(base, id, wanted[i], order, side)
    end
  end
end
