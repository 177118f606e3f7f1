-- Claims a prefix for one way of laying it out, or tells how it is laid out already.
--
-- Includes: (none)
-- KEYS: 1 <prefix>:idx:layout
-- ARGV: 1 format  2 partitions  3 how the partitions are named: plain | tagged
-- Returns: {format, partitions, naming} as stored
-- Complexity: O(1)
if redis.call('HEXISTS', KEYS[1], 'partitions') == 0 then
  redis.call('HSET', KEYS[1], 'format', ARGV[1], 'partitions', ARGV[2], 'naming', ARGV[3])
end
return redis.call('HMGET', KEYS[1], 'format', 'partitions', 'naming')
