-- Time of the server, in whole milliseconds. Read once per script: it moves on within one.
local function server_now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- A whole number as text. Lua's own conversion prints 14 digits.
local function whole(number)
  return string.format('%.0f', number)
end
