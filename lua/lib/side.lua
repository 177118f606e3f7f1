-- Merges two flat JSON objects of numbers, field by field. The numbers stay text, so every digit stays too.
local function merge_side(old, new)
  if not old then return new end
  local given, fields = {}, {}
  for name, value in string.gmatch(new, '"([^"]+)":([^,}]+)') do given[name] = value end
  for name, value in string.gmatch(old, '"([^"]+)":([^,}]+)') do
    fields[#fields + 1] = '"' .. name .. '":' .. (given[name] or value)
    given[name] = nil
  end
  for name, value in string.gmatch(new, '"([^"]+)":([^,}]+)') do
    if given[name] then fields[#fields + 1] = '"' .. name .. '":' .. value end
  end
  return '{' .. table.concat(fields, ',') .. '}'
end
