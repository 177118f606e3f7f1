-- Sections of indexes. One comes as three arguments: key without <base>idx:, lower and upper bound. Bounds are those
-- of ZCOUNT, or, for a text index, those of ZLEXCOUNT: there the lower one is '-' or begins with '['.
local function is_text_section(min)
  return min == '-' or string.sub(min, 1, 1) == '['
end

local function section_size(key, min, max)
  if is_text_section(min) then return redis.call('ZLEXCOUNT', key, min, max) end
  if min == '-inf' and max == '+inf' then return redis.call('ZCARD', key) end
  return redis.call('ZCOUNT', key, min, max)
end

-- The ranks of a section: the first, and the first behind it.
local function section_ranks(key, min, max)
  local start = 0
  -- What lies before ends where the section begins.
  if string.sub(min, 1, 1) == '[' then
    start = redis.call('ZLEXCOUNT', key, '-', '(' .. string.sub(min, 2))
  elseif string.sub(min, 1, 1) == '(' then
    start = redis.call('ZCOUNT', key, '-inf', string.sub(min, 2))
  elseif min ~= '-' and min ~= '-inf' then
    start = redis.call('ZCOUNT', key, '-inf', '(' .. min)
  end
  return start, start + section_size(key, min, max)
end

-- Redis writes infinity as 'inf', which Lua's tonumber takes on some platforms only.
local function number_of(text)
  if string.find(text, 'inf', 1, true) then
    return string.sub(text, 1, 1) == '-' and -math.huge or math.huge
  end
  return tonumber(text)
end

-- A test for the bounds of a number section; nil when it has none.
local function bounds_test(min, max)
  if min == '-inf' and max == '+inf' then return nil end
  local open_min, open_max = string.sub(min, 1, 1) == '(', string.sub(max, 1, 1) == '('
  local low = number_of(open_min and string.sub(min, 2) or min)
  local high = number_of(open_max and string.sub(max, 2) or max)
  return function(score)
    local value = number_of(score)
    if open_min and value <= low or value < low then return false end
    return not (open_max and value >= high or value > high)
  end
end

-- The terms from the arguments: + or - (must not), then a number section.
local function read_terms(base, from, count)
  local terms = {}
  for i = 1, count do
    local at = from + (i - 1) * 4
    terms[i] = {
      wanted = ARGV[at] == '+',
      key = base .. 'idx:' .. ARGV[at + 1],
      fits = bounds_test(ARGV[at + 2], ARGV[at + 3]),
    }
  end
  return terms
end

-- Those of the ids for which all terms hold, in their order.
local function keep(ids, terms)
  for t = 1, #terms do
    if #ids == 0 then return ids end
    local fits, wanted = terms[t].fits, terms[t].wanted
    local scores = redis.call('ZMSCORE', terms[t].key, unpack(ids))
    local kept = {}
    for i = 1, #ids do
      local score = scores[i]
      local holds = score and (not fits or fits(score)) or false
      if holds == wanted then kept[#kept + 1] = ids[i] end
    end
    ids = kept
  end
  return ids
end
