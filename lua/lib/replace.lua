-- Makes `wanted` the entries of the record that had `old` ones. `reset`: the side value is a new one.
local function replace_entries(base, id, old, wanted, order, side, reset)
  if not old then
    for i = 1, #wanted do add_entry(base, id, wanted[i], order, side) end
    return
  end
  local moved = old.order ~= order
  -- The very same list, see lib/record.lua.
  if old.entries == wanted and not moved and not reset then return end
  local had, keeps = {}, {}
  for i = 1, #wanted do keeps[wanted[i]] = true end
  for i = 1, #old.entries do
    local entry = old.entries[i]
    had[entry] = true
    if not keeps[entry] then remove_entry(base, id, entry) end
  end
  for i = 1, #wanted do
    local kind = string.sub(wanted[i], 1, 1)
    if not had[wanted[i]] or (moved and kind == 'e') or (reset and kind == 's') then
      add_entry(base, id, wanted[i], order, side)
    end
  end
end
