-- Prolongs leases after a silence: nobody was heard for longer than a heartbeat takes although leases were alive, so
-- that this Redis, or the way to it, was away. Once for each silence.
--
-- Includes: time record
-- KEYS: 1 <base>active; the others derive from it, in the same slot
-- ARGV: 1 grace (ms)  2 how soon a lease must end to be in question (ms)  3 limit  4 deadline (ms)
--       5 channel told of the streams, as if they had reported: who saw them lapse looks again
--       6 when somebody was heard last, in any partition (ms)  7 end of the leases that are prolonged, '' at first
-- Returns: {done, now, number of leases prolonged, their end} | {late, now}
-- Complexity: O(limit * log n)
local base, active = string.sub(KEYS[1], 1, -7), KEYS[1]
local heard, limit, prolonged = ARGV[6], tonumber(ARGV[3]), ARGV[7]
local now = server_now()
if now > tonumber(ARGV[4]) then return { 'late', whole(now) } end
if redis.call('GET', base .. 'idx:bridged') == heard then return { 'done', whole(now), '0', '' } end

if prolonged == '' then
  local soon = whole(now + tonumber(ARGV[2]))
  local first = redis.call('ZRANGEBYSCORE', active, '(' .. heard, soon, 'LIMIT', 0, 1)[1]
  local record = first and parse_record(redis.call('HGET', base .. 'idx:rec', first))
  if not record or now - tonumber(heard) <= tonumber(record.ttl) / 3 then return { 'done', whole(now), '0', '' } end
  prolonged = whole(now + tonumber(ARGV[1]))
end

-- What has this end already is not found again.
local ids = redis.call('ZRANGEBYSCORE', active, '(' .. heard, '(' .. prolonged, 'LIMIT', 0, limit)
-- A write that needs no memory goes first: leases must be prolonged out of memory, too.
redis.call('ZREM', active, '')
for i = 1, #ids do redis.call('ZADD', active, 'XX', prolonged, ids[i]) end
if #ids < limit then redis.call('SET', base .. 'idx:bridged', heard) end
if #ids > 0 then redis.call('PUBLISH', ARGV[5], table.concat(ids, ' ')) end
return { 'done', whole(now), whole(#ids), prolonged }
