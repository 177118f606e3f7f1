-- Reads the log behind an id whose entry is not there (any more), and tells what is lost in between.
--
-- Includes: time
-- KEYS: 1 <base>active; the others derive from it, in the same slot
-- ARGV: 1 log id  2 limit
-- Returns: {done, now, '' | trimmed | rewound, id to go on from, entries}, an entry being {id, fields}
-- Complexity: O(limit)
local base = string.sub(KEYS[1], 1, -7)
local now = whole(server_now())
local function parts(id)
  local ms, sequence = string.match(id, '^(%d+)%-(%d+)$')
  return tonumber(ms), tonumber(sequence)
end

local newest = redis.call('XREVRANGE', base .. 'log:events', '+', '-', 'COUNT', 1)
local last = redis.call('GET', base .. 'log:last') or (newest[1] and newest[1][1])
local ms, sequence = parts(ARGV[1])
-- 0-0 stands before any log. Otherwise everything is lost, the numbers too: what comes begins anew.
if not last then return { 'done', now, ms == 0 and '' or 'rewound', '0-0' } end
local last_ms, last_sequence = parts(last)
if last_ms < ms or last_ms == ms and last_sequence < sequence then return { 'done', now, 'rewound', last } end
if last == ARGV[1] then return { 'done', now, '', last } end

local entries = redis.call('XRANGE', base .. 'log:events', ARGV[1], '+', 'COUNT', ARGV[2])
local born = tonumber(redis.call('HGET', base .. 'idx:layout', 'born') or 0)
local is_of_another = ms > 0 and ms < born
if #entries == 0 then
  local _, at = parts(last)
  return { 'done', now, is_of_another and 'rewound' or at > sequence and 'trimmed' or '', last }
end
-- The numbers are dense: the first one says whether any is missing, or whether they began anew. Older entries are kept
-- beside the id's own, which is not there: then the log never had it.
local _, first = parts(entries[1][1])
local oldest = redis.call('XRANGE', base .. 'log:events', '-', '+', 'COUNT', 1)[1]
local _, kept = parts(oldest[1])
local gap = (is_of_another or first <= sequence or kept <= sequence and sequence > 0) and 'rewound'
  or first > sequence + 1 and 'trimmed' or ''
return { 'done', now, gap, entries[#entries][1], entries }
