-- Finds the members of an index that no record has any more, and removes them if told to.
--
-- Includes: record
-- KEYS: 1 <base>active; the others derive from it, in the same slot
-- ARGV: 1 index key without <base>idx:  2 repair: 1 | 0, then the members to look at
-- Returns: {member, ...}: those that dangle
-- Complexity: O(members * entries)
local base = string.sub(KEYS[1], 1, -7)
local index = ARGV[1]
local is_equality = string.find(index, ':', 1, true)

local function is_listed(member)
  local nul = string.find(member, '%z')
  local id = nul and string.sub(member, nul + 1) or member
  local record = parse_record(redis.call('HGET', base .. 'idx:rec', id))
  if not record then return false end
  for i = 1, #record.entries do
    local entry = record.entries[i]
    if is_equality then
      if entry == 'e' .. index then return true end
    elseif nul then
      if entry == 't' .. index .. '=' .. string.sub(member, 1, nul - 1) then return true end
    elseif string.sub(entry, 2, #index + 2) == index .. '=' then
      return true
    end
  end
  return false
end

local dangling = {}
for i = 3, #ARGV do
  -- It may have gone properly, with its record, since it was seen.
  if not is_listed(ARGV[i]) and redis.call('ZSCORE', base .. 'idx:' .. index, ARGV[i]) then
    dangling[#dangling + 1] = ARGV[i]
    if ARGV[2] == '1' then redis.call('ZREM', base .. 'idx:' .. index, ARGV[i]) end
  end
end
return dangling
