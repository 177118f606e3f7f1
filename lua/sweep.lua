-- Finishes lapsed records, the longest lapsed first. The same operation id again gives the first answer again.
--
-- Includes: time record entries side channels log finish fencing
-- KEYS: 1 <base>active; the others derive from it, in the same slot
-- ARGV: 1 limit  2 source  3 log length  4 log retention (ms)  5 bell  6 channels  7 deadline (ms)
--       8 operation id  9 name of the lead ('' for none)  10 its token
-- Returns: {done, now, <id NUL event type NUL ...>} | {late, now} | {stale, now}
-- Complexity: O(limit * entries * log n)
local base = string.sub(KEYS[1], 1, -7)
local marker = base .. 'idx:op:' .. ARGV[8]
local now = server_now()
local answered = redis.call('GET', marker)
if answered then return { 'done', whole(now), answered } end
if now > tonumber(ARGV[7]) then return { 'late', whole(now) } end
if is_stale(base, ARGV[9], ARGV[10]) then return { 'stale', whole(now) } end
local lapsed = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', whole(now), 'WITHSCORES', 'LIMIT', 0, ARGV[1])
if #lapsed == 0 then return { 'done', whole(now), '' } end

local ids, answer = {}, {}
for i = 1, #lapsed, 2 do ids[#ids + 1] = lapsed[i] end
local records = redis.call('HMGET', base .. 'idx:rec', unpack(ids))
local log = open_log(base, now, ARGV[5], ARGV[6])
for i = 1, #ids do
  local event_type =
    finish_lapsed(base, ids[i], parse_record(records[i]), lapsed[i * 2], log, ARGV[2], ARGV[3])
  answer[#answer + 1] = ids[i]
  answer[#answer + 1] = event_type
end
close_log(log, tonumber(ARGV[4]))
answer = table.concat(answer, '\0')
redis.call('SET', marker, answer, 'PX', whole(math.max(0, tonumber(ARGV[7]) - now) + 60000))
return { 'done', whole(now), answer }
