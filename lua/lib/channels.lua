-- The seeds' channels, for services in other languages. log.channels holds, each ended by NUL: whether to publish also
-- where nobody listens, as on a cluster, where listeners may be at other nodes: 1 | 0; the channel of all
-- streams ('' for none), whether each stream has one: 1 | 0, its name before and behind the id, and what statistics
-- count as while nobody reported them.

-- Milliseconds since the epoch as RFC 3339 text. Civil date from days: H. Hinnant, chrono-compatible algorithms.
local function rfc3339(ms)
  local seconds = math.floor(ms / 1000)
  local days = math.floor(seconds / 86400)
  local z = days + 719468
  local era = math.floor(z / 146097)
  local day_of_era = z - era * 146097
  local year_of_era = math.floor((day_of_era - math.floor(day_of_era / 1460) + math.floor(day_of_era / 36524)
    - math.floor(day_of_era / 146096)) / 365)
  local day_of_year = day_of_era
    - (365 * year_of_era + math.floor(year_of_era / 4) - math.floor(year_of_era / 100))
  local shifted = math.floor((5 * day_of_year + 2) / 153)
  local day = day_of_year - math.floor((153 * shifted + 2) / 5) + 1
  local month = shifted < 10 and shifted + 3 or shifted - 9
  local year = year_of_era + era * 400 + (month <= 2 and 1 or 0)
  local rest = seconds - days * 86400
  return string.format('%04d-%02d-%02dT%02d:%02d:%02d.%03dZ', year, month, day,
    math.floor(rest / 3600), math.floor(rest / 60) % 60, rest % 60, ms - seconds * 1000)
end

-- Publishes an event in the seeds' envelope. Ids, types and sources hold nothing that JSON has to escape.
local function publish_event(log, event)
  local always, all, each, head, tail, defaults =
    string.match(log.channels, '^([^%z]*)%z([^%z]*)%z([^%z]*)%z([^%z]*)%z([^%z]*)%z([^%z]*)%z')
  local one = head .. event.id .. tail
  if always == '0' and redis.call('PUBSUB', 'NUMPAT') == 0 then
    local listening = redis.call('PUBSUB', 'NUMSUB', all, one)
    if listening[2] == 0 and listening[4] == 0 then return end
  end
  -- What is no document of ours would make no JSON.
  local own = '{"id":"' .. event.id .. '",'
  if string.sub(event.doc, 1, #own) ~= own or string.sub(event.doc, -1) ~= '}' then return end
  local side = event.side ~= '' and event.side or nil
  local statistics = side and merge_side(defaults, side) or defaults
  local created = tonumber(event.order)
  local renewed = event.deadline ~= '' and tonumber(event.deadline) - tonumber(event.ttl) or created
  local message = '{"type":"' .. event.type .. '","stream_id":"' .. event.id
    .. '","timestamp":"' .. rfc3339(log.ms) .. '","data":' .. string.sub(event.doc, 1, -2)
    .. ',"last_heartbeat":"' .. rfc3339(math.max(created, renewed)) .. '","statistics":' .. statistics
    .. '},"source":"' .. event.source .. '","version":1}'
  if all ~= '' then redis.call('PUBLISH', all, message) end
  if each == '1' then redis.call('PUBLISH', one, message) end
end
