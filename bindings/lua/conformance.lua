-- The conformance runner: see tests/conformance/README.md.
local ffi = require("ffi")
local mpt_tokens = require("mpt_tokens")

local function decode(value)
  return (value:gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end))
end

local function encode(value)
  return (tostring(value):gsub("%W", function(byte) return ("%%%02X"):format(byte:byte()) end))
end

local function epoch(year, month, day, hour, minute, second)
  return os.time({ year = year, month = month, day = day, hour = hour, min = minute, sec = second, isdst = false })
end

-- Milliseconds since 1970 of a time in UTC.
local function settled_at_ms(at)
  local year, month, day, hour, minute, second, ms = at:match("^(%d+)-(%d+)-(%d+)T(%d+):(%d+):(%d+)%.(%d+)Z$")
  return ("%.0f"):format((epoch(year, month, day, hour, minute, second) - epoch(1970, 1, 2, 0, 0, 0) + 86400) * 1000 + ms)
end

local function tell(outcome, raised, shown)
  local problem = outcome.problem or {}
  local fields = {
    { "id", outcome.id }, { "outcome", outcome.outcome }, { "code", outcome.code }, { "http_status", outcome.http_status },
    { "attempts", #outcome.attempts }, { "rounds", outcome.rounds }, { "settled_at_ms", settled_at_ms(outcome.at) }, { "title", problem.title }, { "detail", problem.detail },
    { "message", outcome.message }, { "retryable", outcome.retryable and 1 or 0 }, { "retry_after", outcome.retry_after }, { "trace_id", outcome.trace_id },
    { "raised", raised }, { "shown", tostring(shown) },
  }
  for place, field in ipairs(fields) do
    fields[place] = field[1] .. "=" .. encode(field[2] == nil and "" or field[2])
  end
  print(table.concat(fields, "&"))
end

-- Whether a line waits, and what it is. None is read ahead: the judge sends this one when the call is under way.
ffi.cdef([[
struct pollfd { int fd; short events, revents; };
int poll(struct pollfd *, unsigned long, int);
]])
local stdin = ffi.new("struct pollfd[1]", { { 0, 1 } }) -- POLLIN
local function told_to_cancel()
  return ffi.C.poll(stdin, 1, 0) == 1 and io.read() ~= nil
end

local flags = { missing_ok = true, allow_own_token = true, burn_only = true }
local texts = { api_token = true, base_url = true, ca_file = true, proxy = true }

local function read(line)
  local request, ids, options, backoff = {}, {}, {}, {}
  for name, value in line:gmatch("([^&=]+)=([^&]*)") do
    value = decode(value)
    if name == "id" then ids[#ids + 1] = value
    elseif flags[name] then options[name] = value == "1"
    elseif texts[name] then options[name] = value
    elseif name == "attempts" then options[name] = tonumber(value)
    elseif name:match("timeout_ms$") then options[name:sub(1, -4)] = tonumber(value) / 1000
    elseif name == "backoff_base_ms" then backoff[1] = tonumber(value) / 1000
    elseif name == "backoff_cap_ms" then backoff[2] = tonumber(value) / 1000
    else request[name] = value end
  end
  options.backoff = backoff[2] and backoff
  options.poll = request.cancel == "during" and told_to_cancel or nil
  return request, ids, options
end

local function batch(client, ids, request)
  local patience = request.patience_ms and tonumber(request.patience_ms) / 1000
  local many = request.call == "burn_batch" and "burn_tokens" or "delete_tokens"
  local batch, err = client[many](client, ids, { concurrency = tonumber(request.concurrency), patience = patience })
  if not batch then return tell(err, "nil, err", err) end
  local left = tonumber(request.stop_after)
  for outcome in batch do
    tell(outcome, "", client)
    if left then
      left = left - 1
      if left == 0 then batch:stop() end
    end
  end
  local why = batch:stopped()
  if why then
    print(("stopped=%s&stopped_code=%s&stopped_message=%s&skipped=%d&not_pulled=%d"):format(
      encode(why.reason), encode(why.code), encode(why.message), why.skipped, why.not_pulled))
  end
end

local function answer(request, ids, options)
  local client, refused = mpt_tokens.new(options)
  if not client then return tell(refused, "nil, err", refused) end
  if request.cancel == "before" then client:cancel() end
  if request.call:match("batch$") then
    batch(client, ids, request)
  else
    for _, id in ipairs(ids) do
      local outcome, err = client[request.call == "burn" and "burn" or "delete_token"](client, id)
      tell(outcome or err, err and "nil, err" or "", err or client)
    end
  end
  client:close()
end

for line in io.lines() do
  answer(read(line))
  print()
  io.flush()
end
