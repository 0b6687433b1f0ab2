--- Deletes API tokens of the SoftwareONE Marketplace, and says what is true of them afterwards.
--
--     local mpt_tokens = require("mpt_tokens")
--     local client = assert(mpt_tokens.new({ timeout = 30 }))
--     local outcome, err = client:delete_token("TKN-1671-0642")
--
-- Runs on LuaJIT, over libmpt_tokens; the environment variable MPT_TOKENS_LIBRARY names another file.

local cjson = require("cjson.safe").new()
local ffi = require("ffi")

-- What each function does, and who owns what, is said in mpt_tokens.h.
ffi.cdef([[
typedef struct mpt_config mpt_config;
typedef struct mpt_client mpt_client;
typedef struct mpt_batch mpt_batch;
typedef struct mpt_outcome mpt_outcome;
typedef struct {
    uint32_t size;
    uint32_t concurrency;
    int32_t missing_ok;
    int32_t allow_own_token;
    const char *journal;
} mpt_batch_options;

uint32_t mpt_abi_version(void);
mpt_config *mpt_config_new_from_env(void);
void mpt_config_free(mpt_config *);
int32_t mpt_config_set_api_token(mpt_config *, const char *);
int32_t mpt_config_set_base_url(mpt_config *, const char *);
int32_t mpt_config_set_user_agent(mpt_config *, const char *);
int32_t mpt_config_set_ca_file(mpt_config *, const char *);
int32_t mpt_config_set_proxy(mpt_config *, const char *);
int32_t mpt_config_set_attempts(mpt_config *, uint32_t);
int32_t mpt_config_set_timeout_ms(mpt_config *, uint64_t);
int32_t mpt_config_set_attempt_timeout_ms(mpt_config *, uint64_t);
int32_t mpt_config_set_connect_timeout_ms(mpt_config *, uint64_t);
int32_t mpt_config_set_backoff_ms(mpt_config *, uint64_t, uint64_t);
int32_t mpt_config_set_missing_ok(mpt_config *, int32_t);
int32_t mpt_config_set_allow_own_token(mpt_config *, int32_t);
int32_t mpt_config_set_allow_plain_http(mpt_config *, int32_t);
int32_t mpt_config_set_ca_only(mpt_config *, int32_t);
int32_t mpt_client_new(const mpt_config *, mpt_client **, mpt_outcome **);
void mpt_client_cancel(const mpt_client *);
void mpt_client_free(mpt_client *);
int32_t mpt_delete_token(const mpt_client *, const char *, mpt_outcome **);
int32_t mpt_batch_new(const mpt_client *, const char *const *, size_t, const mpt_batch_options *, mpt_batch **, mpt_outcome **);
mpt_outcome *mpt_batch_next(mpt_batch *);
void mpt_batch_stop(mpt_batch *);
void mpt_batch_free(mpt_batch *);
const char *mpt_outcome_json(const mpt_outcome *);
void mpt_outcome_free(mpt_outcome *);
]])

local lib = ffi.load(os.getenv("MPT_TOKENS_LIBRARY") or (jit.os == "OSX" and "libmpt_tokens.1.dylib" or "libmpt_tokens.so.1"))
if lib.mpt_abi_version() ~= 1 then
  error("libmpt_tokens has the ABI " .. lib.mpt_abi_version() .. ": expected 1")
end

-- A C string ends at NUL, which would make another id of one that has it; U+0001 is refused just as NUL is.
local function text(value)
  return (value:gsub("%z", "\1"))
end

local function milliseconds(seconds)
  return math.ceil(seconds * 1000)
end

-- JSON's null is nil in Lua.
local function plain(value)
  if type(value) == "table" then
    for name, member in pairs(value) do
      value[name] = member ~= cjson.null and plain(member) or nil
    end
  end
  return value
end

--- What a call told about one token: its `id`; `outcome`, which is "deleted", "gone", "not_deleted" or "unknown"; `code`,
-- "ok" or what happened; `http_status`; `attempts`, a list; `problem`, the server's problem details; `message`;
-- `retry_after` in seconds; `trace_id`; `elapsed_ms`. What is not known is nil. tostring gives the message.
local Outcome = {}
Outcome.__index = Outcome

function Outcome:__tostring()
  return self.message
end

--- Whether the token is dead: deleted or gone.
function Outcome:is_success()
  return self.code == "ok"
end

-- Takes a native outcome over, and ends it.
local function take(pointer)
  local json = ffi.string(lib.mpt_outcome_json(pointer))
  lib.mpt_outcome_free(pointer)
  return setmetatable(plain(assert(cjson.decode(json))), Outcome)
end

--- The outcomes of a batch, in order of completion, failures too: `for outcome in batch do`. After a `break` stop it, or
-- leave that to the garbage collector.
local Batch = {}
Batch.__index = Batch

function Batch:__call()
  local pointer = lib.mpt_batch_next(self.handle)
  if pointer ~= nil then
    return take(pointer)
  end
end

--- Starts no more deletions. What is under way finishes: its outcomes are still to be had.
function Batch:stop()
  lib.mpt_batch_stop(self.handle)
end

--- Deletes tokens. It is closed by `close`, or when nobody holds it any more.
local Client = {}
Client.__index = Client

function Client:__tostring()
  return "mpt_tokens.client"
end

local function open(client)
  return client.handle or error("the client is closed", 3)
end

--- Deletes one token, and blocks until the matter is settled.
-- Returns its outcome, or nil and the outcome where the token is not dead afterwards.
function Client:delete_token(id)
  local outcome = ffi.new("mpt_outcome *[1]")
  lib.mpt_delete_token(open(self), text(id), outcome)
  local told = take(outcome[0])
  if told:is_success() then
    return told
  end
  return nil, told
end

--- Deletes a list of tokens, `options.concurrency` (8) at a time; `options.journal` is the path of a write-ahead record.
-- Returns a batch, or nil and an outcome where it cannot start.
function Client:delete_tokens(ids, options)
  options = options or {}
  local texts, list = {}, ffi.new("const char *[?]", #ids)
  for place, id in ipairs(ids) do
    texts[place] = text(id)
    list[place - 1] = texts[place]
  end
  local journal = options.journal and text(options.journal)
  local native = ffi.new("mpt_batch_options", { ffi.sizeof("mpt_batch_options"), options.concurrency or 0, 0, 0, journal })
  local batch, refused = ffi.new("mpt_batch *[1]"), ffi.new("mpt_outcome *[1]")
  lib.mpt_batch_new(open(self), list, #texts, native, batch, refused)
  if refused[0] ~= nil then
    return nil, take(refused[0])
  end
  return setmetatable({ handle = ffi.gc(batch[0], lib.mpt_batch_free) }, Batch)
end

--- Ends every later call, and the rest of a batch, with the code "cancelled".
function Client:cancel()
  lib.mpt_client_cancel(open(self))
end

--- Closes the connections. A batch that was begun can still be finished.
function Client:close()
  if self.handle then
    lib.mpt_client_free(ffi.gc(self.handle, nil))
    self.handle = nil
  end
end

local function setter(convert, suffix)
  return function(config, name, value)
    lib["mpt_config_set_" .. name .. (suffix or "")](config, convert(value))
  end
end

local set_text, set_seconds = setter(text), setter(milliseconds, "_ms")
local set_flag = setter(function(yes) return yes and 1 or 0 end)
local setters = {
  api_token = set_text, base_url = set_text, user_agent = set_text, ca_file = set_text, proxy = set_text,
  timeout = set_seconds, attempt_timeout = set_seconds, connect_timeout = set_seconds,
  missing_ok = set_flag, allow_own_token = set_flag, allow_plain_http = set_flag, ca_only = set_flag,
  attempts = setter(function(count) return count end),
  backoff = function(config, _, pauses)
    lib.mpt_config_set_backoff_ms(config, milliseconds(pauses[1]), milliseconds(pauses[2]))
  end,
}

--- Makes a client. What `options` does not set comes from the environment (MPT_API_TOKEN, MPT_API_BASE_URL, the usual proxy
-- variables) or is the library's default: api_token, base_url, user_agent, ca_file, proxy; attempts; timeout,
-- attempt_timeout, connect_timeout in seconds; backoff, a list of the first pause and the longest; missing_ok,
-- allow_own_token, allow_plain_http, ca_only.
-- Returns the client, or nil and an outcome that says what cannot be used.
local function new(options)
  local config = ffi.gc(lib.mpt_config_new_from_env(), lib.mpt_config_free)
  for name, value in pairs(options or {}) do
    local set = setters[name] or error("there is no option " .. tostring(name), 2)
    set(config, name, value)
  end
  local client, refused = ffi.new("mpt_client *[1]"), ffi.new("mpt_outcome *[1]")
  lib.mpt_client_new(config, client, refused)
  lib.mpt_config_free(ffi.gc(config, nil))
  if refused[0] ~= nil then
    return nil, take(refused[0])
  end
  return setmetatable({ handle = ffi.gc(client[0], lib.mpt_client_free) }, Client)
end

return { new = new }
