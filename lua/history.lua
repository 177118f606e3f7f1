-- The entries of one stream in a stretch of the log.
--
-- Includes: time
-- KEYS: 1 <base>active; the others derive from it, in the same slot
-- ARGV: 1 stream id  2 log id to begin behind, or -  3 how many entries to look at
-- Returns: {done, now, id of the last entry looked at ('' when that was all), {id, fields}, ...}
-- Complexity: O(entries looked at)
local base = string.sub(KEYS[1], 1, -7)
local start = ARGV[2] == '-' and '-' or '(' .. ARGV[2]
local entries = redis.call('XRANGE', base .. 'log:events', start, '+', 'COUNT', ARGV[3])
local answer = { 'done', whole(server_now()), #entries == tonumber(ARGV[3]) and entries[#entries][1] or '' }
for i = 1, #entries do
  local fields = entries[i][2]
  for field = 1, #fields, 2 do
    if fields[field] == 'i' and fields[field + 1] == ARGV[1] then answer[#answer + 1] = entries[i] end
  end
end
return answer
