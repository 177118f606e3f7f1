-- Compares everything that belongs to one id with what its document asks for, and mends it if told to.
--
-- Includes: time record entries side channels log finish
-- KEYS: 1 <base>active; the others derive from it, in the same slot
-- ARGV: 1 id  2 bookkeeping with which the document was read ('' for none)  3 repair: 1 | 0
--       4 whether the document is readable: 1 | 0  5 order  6 ttl (ms)  7 type of the event when lapsed
--       8 source  9 log length  10 log retention (ms)  11 bell  12 channels  13 layout version,
--       then the index entries that the document asks for
-- Returns: {changed} when the bookkeeping or the layout is another by now, else {kind, index, ...} for each problem
-- Complexity: O(entries * log n)
local base = string.sub(KEYS[1], 1, -7)
local active, id, repair = KEYS[1], ARGV[1], ARGV[3] == '1'
local bookkeeping = redis.call('HGET', base .. 'idx:rec', id)
if (bookkeeping or '') ~= ARGV[2] then return { 'changed' } end
if redis.call('HGET', base .. 'idx:layout', 'version') ~= ARGV[13] then return { 'changed' } end
local record = parse_record(bookkeeping)

local deadline = redis.call('ZSCORE', active, id)
local exists = redis.call('EXISTS', base .. id) == 1
local side = redis.call('HGET', base .. 'idx:stats', id)
if not deadline and not record and not exists then
  if not side then return {} end
  if repair then redis.call('HDEL', base .. 'idx:stats', id) end
  return { 'dangling-statistics', '' }
end

local readable = ARGV[4] == '1' and record
if not deadline or not readable then
  if repair then
    local log = open_log(base, server_now(), ARGV[11], ARGV[12])
    if readable then
      finish_lapsed(base, id, record, '', log, ARGV[8], ARGV[9])
      close_log(log, tonumber(ARGV[10]))
    else
      remove_record(base, id, record)
    end
  end
  return { readable and 'lost-lease' or 'corrupt-record', '' }
end

-- The key of an entry's index, and the entry's member there.
local function place_of(entry)
  local kind = string.sub(entry, 1, 1)
  if kind == 'e' then return base .. 'idx:' .. string.sub(entry, 2), id end
  local index, value = split_entry(entry)
  return base .. 'idx:' .. index, kind == 't' and value .. '\0' .. id or id
end

local function is_indexed(entry)
  local kind = string.sub(entry, 1, 1)
  if kind == 'c' then return true end
  local key, member = place_of(entry)
  local score = redis.pcall('ZSCORE', key, member)
  if not score or type(score) == 'table' then return false end
  if kind == 't' then return true end
  local value = ARGV[5]
  if kind ~= 'e' then
    local _, place = split_entry(entry)
    value = kind == 's' and side_score(side, place) or place
  end
  -- Redis writes infinity as 'inf', which Lua's tonumber takes on some platforms only.
  if string.find(value, 'inf', 1, true) then return string.find(score, 'inf', 1, true) end
  return tonumber(score) == tonumber(value)
end

local function mend(entry)
  local key = place_of(entry)
  if redis.call('TYPE', key).ok ~= 'zset' then redis.call('DEL', key) end
  add_entry(base, id, entry, ARGV[5], side)
end

local problems, wanted, is_wanted = {}, {}, {}
for i = 14, #ARGV do
  local entry = ARGV[i]
  wanted[#wanted + 1] = entry
  is_wanted[entry] = true
  if not is_indexed(entry) then
    problems[#problems + 1] = 'missing-entry'
    problems[#problems + 1] = string.sub(entry, 2)
  end
end

local same = #wanted == #record.entries
same = same and record.order == ARGV[5] and record.ttl == ARGV[6] and record.lapsed == ARGV[7]
for i = 1, #record.entries do same = same and is_wanted[record.entries[i]] end
if not same then
  problems[#problems + 1] = 'wrong-bookkeeping'
  problems[#problems + 1] = ''
end
if not repair or #problems == 0 then return problems end

-- Counters are not touched here: all of them are counted anew.
for i = 1, #record.entries do
  local entry = record.entries[i]
  if not is_wanted[entry] and string.sub(entry, 1, 1) ~= 'c' then remove_entry(base, id, entry) end
end
for i = 1, #wanted do
  if not is_indexed(wanted[i]) then mend(wanted[i]) end
end
redis.call('HSET', base .. 'idx:rec', id, format_record({
  token = record.token, fence = record.fence, ttl = ARGV[6], order = ARGV[5], lapsed = ARGV[7], entries = wanted,
}))
return problems
