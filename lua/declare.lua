-- Declares indexes on a partition. What was declared before stays declared.
--
-- Includes: time
-- KEYS: 1 <base>active; the others derive from it, in the same slot
-- ARGV: field, kind, ...
-- Returns: {done, now, version, field, kind, state, ...} | {foreign, now, type} | {mismatch, now, field, kind}
-- Complexity: O(declarations)
local base = string.sub(KEYS[1], 1, -7)
local layout = base .. 'idx:layout'
local now = server_now()

local kind_of_active = redis.call('TYPE', KEYS[1]).ok
if kind_of_active ~= 'none' and kind_of_active ~= 'zset' then return { 'foreign', whole(now), kind_of_active } end

-- A log begins at a time of its own, before anything is logged: whoever stands at its beginning can tell it from the
-- one that follows when everything is lost.
if redis.call('HEXISTS', layout, 'born') == 0 then
  redis.call('HSET', layout, 'born', whole(now))
  if redis.call('EXISTS', base .. 'log:events') == 0 then
    redis.call('SET', base .. 'log:last', whole(now) .. '-0', 'NX')
  end
end

local state = redis.call('EXISTS', base .. 'idx:rec') == 0 and 'ready' or 'building'
local added = {}
for i = 1, #ARGV, 2 do
  local known = redis.call('HGET', layout, 'index:' .. ARGV[i])
  local kind = known and string.match(known, '^[^|]*')
  if kind and kind ~= ARGV[i + 1] then return { 'mismatch', whole(now), ARGV[i], kind } end
  if not kind then
    added[#added + 1] = 'index:' .. ARGV[i]
    added[#added + 1] = ARGV[i + 1] .. '|' .. state
  end
end

local version = redis.call('HGET', layout, 'version')
if not version or #added > 0 then
  -- Of the time, so that no version comes back after everything was flushed.
  version = whole(math.max(now * 1000, version and tonumber(version) + 1 or 0))
  redis.call('HSET', layout, 'version', version, unpack(added))
end

local answer = { 'done', whole(now), version }
local fields = redis.call('HGETALL', layout)
for i = 1, #fields, 2 do
  if string.sub(fields[i], 1, 6) == 'index:' then
    local kind, index_state = string.match(fields[i + 1], '^([^|]*)|(.*)$')
    answer[#answer + 1] = string.sub(fields[i], 7)
    answer[#answer + 1] = kind
    answer[#answer + 1] = index_state
  end
end
return answer
