-- The event log of a partition: a stream at log:events whose ids are <ms>-<sequence>, the sequence dense and
-- the milliseconds never going back. log:last holds the last id.
-- bell: the channel that is rung. channels: see lib/channels.lua, '' for none.
local function open_log(base, now, bell, channels)
  local last = redis.call('GET', base .. 'log:last')
  if not last then
    local newest = redis.call('XREVRANGE', base .. 'log:events', '+', '-', 'COUNT', 1)
    last = newest[1] and newest[1][1] or '0-0'
  end
  local last_ms, sequence = string.match(last, '^(%d+)%-(%d+)$')
  local ms = math.max(now, tonumber(last_ms))
  return {
    base = base, bell = bell, channels = channels, ms = ms, id_head = whole(ms) .. '-', last = last,
    sequence = tonumber(sequence), before = tonumber(sequence),
  }
end

-- The id that the n-th entry from here will have.
local function log_id(log, n)
  return log.id_head .. whole(log.sequence + n)
end

-- event: type id doc side deadline source changes op ('' for what is not there), and for the channels ttl order
local function append_event(log, event, max_length)
  log.last = log_id(log, 1)
  log.sequence = log.sequence + 1
  redis.call('XADD', log.base .. 'log:events', 'MAXLEN', '~', max_length, log.last,
    't', event.type, 'i', event.id, 'd', event.doc, 'x', event.side, 'l', event.deadline,
    's', event.source, 'c', event.changes, 'o', event.op)
  if log.channels ~= '' then publish_event(log, event) end
end

-- Keeps the sequence, rings the bell, and at every 64th event drops what is older than the retention. The bell
-- says which partition, and its last id: whoever hears it reads the log.
local function close_log(log, retention_ms)
  if log.sequence == log.before then return end
  redis.call('SET', log.base .. 'log:last', log.last)
  redis.call('PUBLISH', log.bell, (string.match(log.base, ':(%d+)}:$') or '0') .. ' ' .. log.last)
  if math.floor(log.sequence / 64) > math.floor(log.before / 64) then
    redis.call('XTRIM', log.base .. 'log:events', 'MINID', '~', whole(math.max(0, log.ms - retention_ms)))
  end
end
