-- The bookkeeping of a record, one value of the hash idx:rec, fields ended by NUL:
--   token fence ttl order lapsed entry*
-- An entry is one letter and its place:
--   e<index>:<value>   equality    member of idx:<index>:<value>, scored by order
--   n<index>=<score>   number      member of idx:<index>
--   s<index>=<field>|<missing>  side value  member of idx:<index>, scored by that field of the side value
--   t<index>=<value>   text        member <value>\0<id> of idx:<index>
--   c<index>:<value>   counter     field of idx:counts
local HEAD = '^([^%z]*)%z([^%z]*)%z([^%z]*)%z([^%z]*)%z([^%z]*)%z()'

-- The entries as they end a record's bookkeeping.
local function format_entries(entries)
  return #entries == 0 and '' or table.concat(entries, '\0') .. '\0'
end

-- The entries that a record's bookkeeping ends with; nil when one of them is none.
local function parse_entries(text)
  local entries, n = {}, 0
  for entry in string.gmatch(text, '([^%z]*)%z') do
    if not string.find(entry, '^[ec][^:=]*:') and not string.find(entry, '^[nst][^:=]*=') then return nil end
    n = n + 1
    entries[n] = entry
  end
  return entries
end

-- wanted, wanted_text: entries that are expected, and how they are written. Where a record has just these, it is given
-- the very same list, which saves taking its own apart.
local function parse_record(text, wanted, wanted_text)
  if not text then return nil end
  local token, fence, ttl, order, lapsed, at = string.match(text, HEAD)
  if not token then return nil end
  local rest = string.sub(text, at)
  local entries = rest == wanted_text and wanted or parse_entries(rest)
  if not entries then return nil end
  return { token = token, fence = fence, ttl = ttl, order = order, lapsed = lapsed, entries = entries }
end

local function format_record(record)
  local head = { record.token, record.fence, record.ttl, record.order, record.lapsed }
  return table.concat(head, '\0') .. '\0' .. format_entries(record.entries)
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
