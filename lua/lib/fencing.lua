-- Whether a leader's work comes too late: a higher token was seen in this partition. Takes note of a new one.
-- Starts with a ZREM: that is allowed out of memory, and what follows in the same script is then allowed too.
local function is_stale(base, name, token)
  if name == '' then return false end
  local key = base .. 'idx:tokens'
  local seen = redis.call('HGET', key, name)
  if seen and tonumber(seen) > tonumber(token) then return true end
  if seen ~= token then
    redis.call('ZREM', base .. 'active', '')
    redis.call('HSET', key, name, token)
  end
  return false
end
