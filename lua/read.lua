-- Reads records: lease, statistics, document and, for writers, bookkeeping. Of one instant.
--
-- Includes: time
-- KEYS: 1 <base>active; the others derive from it, in the same slot
-- ARGV: 1 with bookkeeping: 1 | 0, then the ids
-- Returns: {done, now, deadlines, side values, documents, bookkeeping}, each a list with null for what is not there
-- Complexity: O(ids)
local base = string.sub(KEYS[1], 1, -7)
local keys = {}
for i = 2, #ARGV do keys[i - 1] = base .. ARGV[i] end
return {
  'done',
  whole(server_now()),
  redis.call('ZMSCORE', KEYS[1], unpack(ARGV, 2)),
  redis.call('HMGET', base .. 'idx:stats', unpack(ARGV, 2)),
  redis.call('MGET', unpack(keys)),
  ARGV[1] == '1' and redis.call('HMGET', base .. 'idx:rec', unpack(ARGV, 2)) or {},
}
