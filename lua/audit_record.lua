-- Compares everything that belongs to one id with what its document asks for, and mends it if told to.
--
-- Includes: time record entries log finish
-- KEYS: 1 <base>active; the others derive from it, in the same slot
-- ARGV: 1 id  2 token at which the document was read ('' for none)  3 repair: 1 | 0
--       4 whether the document is readable: 1 | 0  5 order  6 ttl (ms)  7 type of the event when lapsed
--       8 source  9 log length  10 log retention (ms), then the index entries that the document asks for
-- Returns: {changed} when the record is not at the token, else {kind, index, ...} for each problem
-- Complexity: O(entries * log n)
local base = string.sub(KEYS[1], 1, -7)
local active, id, repair = KEYS[1], ARGV[1], ARGV[3] == '1'
local record = parse_record(redis.call('HGET', base .. 'idx:rec', id))
if (record and record.token or '') ~= ARGV[2] then return { 'changed' } end

local deadline = redis.call('ZSCORE', active, id)
local exists = redis.call('EXISTS', base .. id) == 1
local has_side = redis.call('HEXISTS', base .. 'idx:stats', id) == 1
if not deadline and not record and not exists then
  if not has_side then return {} end
  if repair then redis.call('HDEL', base .. 'idx:stats', id) end
  return { 'dangling-statistics', '' }
end

local readable = ARGV[4] == '1' and record
if not deadline or not readable then
  if repair then
    local log = open_log(base, server_now())
    if readable then
      finish_lapsed(base, id, record, '', log, ARGV[8], ARGV[9])
      close_log(log, tonumber(ARGV[10]))
    else
      remove_record(base, id, record)
    end
  end
  return { readable and 'lost-lease' or 'corrupt-record', '' }
end

local function is_indexed(entry)
  local kind = string.sub(entry, 1, 1)
  if kind == 'c' then return true end
  if kind == 'e' then
    local score = redis.call('ZSCORE', base .. 'idx:' .. string.sub(entry, 2), id)
    return score and tonumber(score) == tonumber(ARGV[5])
  end
  local index, value = split_entry(entry)
  if kind == 't' then return redis.call('ZSCORE', base .. 'idx:' .. index, value .. '\0' .. id) end
  local score = redis.call('ZSCORE', base .. 'idx:' .. index, id)
  if not score or kind == 's' then return score end
  -- Redis writes infinity as 'inf', which Lua's tonumber takes on some platforms only.
  if string.find(value, 'inf', 1, true) then return string.find(score, 'inf', 1, true) end
  return tonumber(score) == tonumber(value)
end

local problems, kept, wanted = {}, {}, {}
for i = 11, #ARGV do
  local entry = ARGV[i]
  if not is_indexed(entry) then
    problems[#problems + 1] = 'missing-entry'
    problems[#problems + 1] = string.sub(entry, 2)
    if repair then add_entry(base, id, entry, ARGV[5]) end
  end
  kept[i - 10] = string.sub(entry, 1, 1) == 's' and 's' .. split_entry(entry) or entry
  wanted[kept[i - 10]] = true
end

local same = #kept == #record.entries and record.order == ARGV[5] and record.ttl == ARGV[6] and record.lapsed == ARGV[7]
for i = 1, #record.entries do
  if not wanted[record.entries[i]] then
    same = false
    -- A counter is not touched here: all of them are counted anew.
    if repair and string.sub(record.entries[i], 1, 1) ~= 'c' then remove_entry(base, id, record.entries[i]) end
  end
end
if not same then
  problems[#problems + 1] = 'wrong-bookkeeping'
  problems[#problems + 1] = ''
  if repair then
    for i = 11, #ARGV do
      if string.sub(ARGV[i], 1, 1) ~= 'c' and not is_indexed(ARGV[i]) then add_entry(base, id, ARGV[i], ARGV[5]) end
    end
    redis.call('HSET', base .. 'idx:rec', id, format_record({
      token = record.token, fence = record.fence, ttl = ARGV[6], order = ARGV[5], lapsed = ARGV[7], entries = kept,
    }))
  end
end
return problems
