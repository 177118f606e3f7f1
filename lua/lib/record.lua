-- The bookkeeping of a record, one value of the hash idx:rec, fields ended by NUL:
--   token fence ttl order lapsed entry*
-- An entry is one letter and its place:
--   e<index>:<value>   equality    member of idx:<index>:<value>, scored by order
--   n<index>=<score>   number      member of idx:<index>
--   s<index>=<field>|<missing>  side value  member of idx:<index>, scored by that field of the side value
--   t<index>=<value>   text        member <value>\0<id> of idx:<index>
--   c<index>:<value>   counter     field of idx:counts
local function parse_record(text)
  if not text then return nil end
  local fields = {}
  for field in string.gmatch(text, '([^%z]*)%z') do fields[#fields + 1] = field end
  if #fields < 5 then return nil end
  local record = { token = fields[1], fence = fields[2], ttl = fields[3], order = fields[4], lapsed = fields[5] }
  record.entries = {}
  for i = 6, #fields do
    local kind, separator = string.match(fields[i], '^([enstc])[^:=]*([:=])')
    if not kind or (separator == ':') ~= (kind == 'e' or kind == 'c') then return nil end
    record.entries[i - 5] = fields[i]
  end
  return record
end

local function format_record(record)
  local fields = { record.token, record.fence, record.ttl, record.order, record.lapsed }
  for i = 1, #record.entries do fields[i + 5] = record.entries[i] end
  return table.concat(fields, '\0') .. '\0'
end

-- Name and value of an entry such as 'n<index>=<score>'.
local function split_entry(entry)
  local at = string.find(entry, '=', 1, true)
  return string.sub(entry, 2, at - 1), string.sub(entry, at + 1)
end

-- The document, or false when there is none or the key holds something else.
local function get_document(base, id)
  local doc = redis.pcall('GET', base .. id)
  if type(doc) == 'table' then return false end
  return doc
end
