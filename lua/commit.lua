-- One atomic change of one record, if its guard holds.
--
-- Includes: time record entries replace side channels log finish
-- KEYS: 1 <base>active; the others derive from it, in the same slot
-- ARGV: 1 id  2 operation id  3 deadline (ms)  4 layout version
--       5 guard: absent | token | any  6 token  7 fence ('' for any)
--       8 write: none | put | remove  9 renew the lease: 1 | 0
--       10 document (put: to write; remove: the last one, for the events)  11 order  12 ttl (ms)
--       13 type of the event when the lease has run out  14 new fence: 1 | 0
--       15 side value ('' keeps it)  16 source  17 log length  18 log retention (ms)  19 bell  20 channels
--       21 number of events, then for each: type, written | stored, changes
--       then the index entries (see lib/record.lua)
-- Returns: {done, now, <token NUL fence NUL deadline NUL side>} | {missing, now} | {late, now} | {layout, now}
--          | {conflict, now, token, fence, ttl, deadline, doc, side} | {corrupt, now, why}
-- Complexity: O(entries * log n); reads first, writes last
local base = string.sub(KEYS[1], 1, -7)
local active, id = KEYS[1], ARGV[1]
local marker = base .. 'idx:op:' .. ARGV[2]
local now = server_now()

local answered = redis.call('GET', marker)
if answered then return { 'done', whole(now), answered } end
if redis.call('HGET', base .. 'idx:layout', 'version') ~= ARGV[4] then return { 'layout', whole(now) } end
if now > tonumber(ARGV[3]) then return { 'late', whole(now) } end

local guard, write = ARGV[5], ARGV[8]
local deadline = redis.call('ZSCORE', active, id)
local live = deadline and tonumber(deadline) > now
local wanted = write == 'put' and { unpack(ARGV, 22 + tonumber(ARGV[21]) * 3) } or {}
local record = parse_record(redis.call('HGET', base .. 'idx:rec', id), wanted, format_entries(wanted))

local function conflict()
  local doc = get_document(base, id)
  if not record then return { 'corrupt', whole(now), 'no bookkeeping' } end
  if not doc then return { 'corrupt', whole(now), 'no document' } end
  local side = redis.call('HGET', base .. 'idx:stats', id) or ''
  return { 'conflict', whole(now), record.token, record.fence, record.ttl, deadline, doc, side }
end

if guard == 'absent' and live then return conflict() end
if guard == 'token' then
  if not live then return { 'missing', whole(now) } end
  local at_fence = ARGV[7] == '' or (record and record.fence == ARGV[7])
  if not record or record.token ~= ARGV[6] or not at_fence then return conflict() end
end
if guard == 'any' and not deadline and not record and redis.call('EXISTS', base .. id) == 0 then
  return { 'missing', whole(now) }
end

local lapsed = deadline and not live
local source, log_length, retention = ARGV[16], ARGV[17], tonumber(ARGV[18])

if lapsed and write == 'remove' then
  local log = open_log(base, now, ARGV[19], ARGV[20])
  finish_lapsed(base, id, record, deadline, log, source, log_length)
  close_log(log, retention)
  return { 'missing', whole(now) }
end

local renewed = deadline
if ARGV[9] == '1' then renewed = whole(now + tonumber(write == 'put' and ARGV[12] or record.ttl)) end
local side = redis.call('HGET', base .. 'idx:stats', id) or ''

if write == 'none' then
  if renewed ~= deadline then
    -- A write that needs no memory goes first: renewing must work out of memory, too.
    redis.call('ZREM', active, '')
    redis.call('ZADD', active, 'XX', renewed, id)
    redis.call('SET', base .. 'idx:heard', whole(now))
  end
  return { 'done', whole(now), table.concat({ record.token, record.fence, renewed, side }, '\0') }
end

local events = tonumber(ARGV[21])
-- What was never a record of ours is removed without an event.
if write == 'remove' and not (record and get_document(base, id)) then events = 0 end
local stored_doc = ''
for i = 22, 21 + events * 3, 3 do
  if ARGV[10] == '' or ARGV[i + 1] == 'stored' then stored_doc = get_document(base, id) or '' end
end
local log = open_log(base, now, ARGV[19], ARGV[20])
local token = log_id(log, events + (lapsed and 1 or 0))
local fence = (ARGV[14] == '1' or not record) and token or record.fence
local new_side = side
if write == 'put' and ARGV[15] ~= '' then new_side = ARGV[15] == '{}' and '' or ARGV[15] end
if lapsed and ARGV[15] == '' then new_side = '' end
local answer = table.concat({ token, fence, renewed or '', new_side }, '\0')
local marker_ms = whole(math.max(0, tonumber(ARGV[3]) - now) + 60000)

if write == 'put' and guard == 'absent' and not lapsed then
  if not redis.call('SET', base .. id, ARGV[10], 'NX') then
    return { 'corrupt', whole(now), 'a value without a lease' }
  end
  redis.call('SET', marker, answer, 'PX', marker_ms)
elseif write == 'put' then
  redis.call('SET', marker, answer, 'PX', marker_ms)
  if lapsed then
    finish_lapsed(base, id, record, deadline, log, source, log_length)
    record, deadline, side = nil, false, ''
  end
  redis.call('SET', base .. id, ARGV[10])
else
  remove_record(base, id, record)
  redis.call('SET', marker, answer, 'PX', marker_ms)
end

for i = 0, events - 1 do
  local at = 22 + i * 3
  local stored = ARGV[at + 1] == 'stored' or ARGV[10] == ''
  append_event(log, {
    type = ARGV[at], id = id, doc = stored and stored_doc or ARGV[10], side = stored and side or new_side,
    deadline = stored and (deadline or '') or (renewed or ''), source = source, changes = ARGV[at + 2], op = ARGV[2],
    ttl = write == 'put' and not stored and ARGV[12] or record and record.ttl or 0,
    order = write == 'put' and not stored and ARGV[11] or record and record.order or 0,
  }, log_length)
end
if events > 0 or lapsed then close_log(log, retention) end

if write == 'put' then
  replace_entries(base, id, record, wanted, ARGV[11], new_side, ARGV[15] ~= '')
  local lapsed_event = ARGV[13]
  redis.call('HSET', base .. 'idx:rec', id, format_record({
    token = token, fence = fence, ttl = ARGV[12], order = ARGV[11], lapsed = lapsed_event, entries = wanted,
  }))
  if new_side ~= side then
    if new_side == '' then
      redis.call('HDEL', base .. 'idx:stats', id)
    else
      redis.call('HSET', base .. 'idx:stats', id, new_side)
    end
  end
  if renewed ~= deadline then
    redis.call('ZADD', active, renewed, id)
    redis.call('SET', base .. 'idx:heard', whole(now))
  end
end
return { 'done', whole(now), answer }
