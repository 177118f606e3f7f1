-- Adds the entries of indexes that are being built to records that have none there yet, and marks indexes as ready.
-- Only one builder at a time: it holds a lock for as long as it goes on calling.
--
-- Includes: time record entries
-- KEYS: 1 <base>active; the others derive from it, in the same slot
-- ARGV: 1 layout version  2 builder  3 how long its lock lasts (ms)
--       4 how far it came before ('' at the beginning)  5 how far it comes with this
--       6 number of indexes that are complete now, then their fields,
--       then for each record: id, token, number of entries, the entries
-- Returns: {done, now} | {busy, now}: another one builds, or Redis lost what was built | {layout, now}
-- Complexity: O(records * entries * log n)
local base = string.sub(KEYS[1], 1, -7)
local layout, lock = base .. 'idx:layout', base .. 'idx:build'
local now = whole(server_now())
if redis.call('HGET', layout, 'version') ~= ARGV[1] then return { 'layout', now } end
local held = redis.call('GET', lock)
local holder, progress = string.match(held or '', '^(%S*) ?(.*)$')
if holder ~= '' and holder ~= ARGV[2] then return { 'busy', now } end
-- After a failover Redis may stand where it stood before: then what was built since is lost, too.
if ARGV[4] ~= '' and progress ~= ARGV[4] then return { 'busy', now } end
redis.call('SET', lock, ARGV[2] .. ' ' .. ARGV[5], 'PX', ARGV[3])

local at = 7
for _ = 1, tonumber(ARGV[6]) do
  local kind = string.match(redis.call('HGET', layout, 'index:' .. ARGV[at]) or '', '^[^|]*')
  if kind ~= '' then redis.call('HSET', layout, 'index:' .. ARGV[at], kind .. '|ready') end
  at = at + 1
end
if at > 7 then
  redis.call('DEL', lock)
  -- Whoever believes the index to be ready must find this very version.
  redis.call('HSET', layout, 'version', whole(math.max(tonumber(now) * 1000, tonumber(ARGV[1]) + 1)))
end

while at <= #ARGV do
  local id, token, entries = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2])
  local record = parse_record(redis.call('HGET', base .. 'idx:rec', id))
  -- Whoever changed it since it was read knew of the index, and kept it.
  if record and record.token == token then
    local has = {}
    for i = 1, #record.entries do has[record.entries[i]] = true end
    local side = redis.call('HGET', base .. 'idx:stats', id)
    for i = at + 3, at + 2 + entries do
      if not has[ARGV[i]] then
        record.entries[#record.entries + 1] = ARGV[i]
        add_entry(base, id, ARGV[i], record.order, side)
      end
    end
    redis.call('HSET', base .. 'idx:rec', id, format_record(record))
  end
  at = at + 3 + entries
end
return { 'done', now }
