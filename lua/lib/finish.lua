-- Takes everything that belongs to a record away. Starts with a ZREM: that is allowed out of memory, and what
-- follows in the same script is then allowed too.
local function remove_record(base, id, record)
  redis.call('ZREM', base .. 'active', id)
  if record then
    for i = 1, #record.entries do remove_entry(base, id, record.entries[i]) end
  end
  redis.call('HDEL', base .. 'idx:rec', id)
  redis.call('HDEL', base .. 'idx:stats', id)
  redis.call('DEL', base .. id)
end

-- Ends a record whose lease has run out: logs its last state, if there is one, then removes it. Answers the
-- event's type, '' for none.
local function finish_lapsed(base, id, record, deadline, log, source, max_length)
  local doc = get_document(base, id)
  local side = redis.call('HGET', base .. 'idx:stats', id) or ''
  local event_type = record and record.lapsed or 'stream.expired'
  remove_record(base, id, record)
  if not doc then return '' end
  append_event(log, {
    type = event_type, id = id, doc = doc, side = side, deadline = deadline, source = source, changes = '', op = '',
    ttl = record and record.ttl or 0, order = record and record.order or 0,
  }, max_length)
  return event_type
end
