--- Deletes API tokens of the SoftwareONE Marketplace, and says what is true of them afterwards.
--
--     local mpt_tokens = require("mpt_tokens")
--     local client = assert(mpt_tokens.new({ timeout = 30 }))
--     local outcome, err = client:delete_token("TKN-1671-0642")
--
-- Runs on LuaJIT, over libmpt_tokens; the environment variable MPT_TOKENS_LIBRARY names another file.

local cjson = require("cjson.safe").new()
local ffi = require("ffi")

-- See mpt_tokens.h for what each function does and who owns what.
ffi.cdef([[
typedef struct mpt_config mpt_config;
typedef struct mpt_client mpt_client;
typedef struct mpt_batch mpt_batch;
typedef struct mpt_outcome mpt_outcome;
typedef int (*mpt_poll_callback)(void *);
typedef struct {
    uint32_t size;
    uint32_t concurrency;
    int32_t missing_ok;
    int32_t allow_own_token;
    const char *journal;
    int64_t patience_ms;
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
int32_t mpt_config_set_burn_only(mpt_config *, int32_t);
int32_t mpt_config_set_ca_only(mpt_config *, int32_t);
int32_t mpt_config_set_poll(mpt_config *, mpt_poll_callback, void *);
int32_t mpt_client_new(const mpt_config *, mpt_client **, mpt_outcome **);
mpt_client *mpt_client_clone(const mpt_client *);
void mpt_client_cancel(const mpt_client *);
void mpt_client_free(mpt_client *);
int32_t mpt_delete_token(const mpt_client *, const char *, mpt_outcome **);
int32_t mpt_burn(const mpt_client *, const char *, mpt_outcome **);
int32_t mpt_burn_batch_new(const mpt_client *, const char *const *, size_t, const mpt_batch_options *, mpt_batch **, mpt_outcome **);
int32_t mpt_batch_new(const mpt_client *, const char *const *, size_t, const mpt_batch_options *, mpt_batch **, mpt_outcome **);
mpt_outcome *mpt_batch_next(mpt_batch *);
void mpt_batch_stop(mpt_batch *);
const char *mpt_batch_stopped(const mpt_batch *);
const char *mpt_batch_stopped_message(const mpt_batch *);
int32_t mpt_batch_stopped_code(const mpt_batch *);
uint64_t mpt_batch_skipped(const mpt_batch *);
uint64_t mpt_batch_not_pulled(const mpt_batch *);
const char *mpt_code_name(int32_t);
void mpt_batch_free(mpt_batch *);
const char *mpt_outcome_json(const mpt_outcome *);
void mpt_outcome_free(mpt_outcome *);

typedef struct { unsigned char bytes[128]; } mpt_signals; /* no system's sigset_t is larger */
int sigemptyset(mpt_signals *);
int sigaddset(mpt_signals *, int);
int sigismember(const mpt_signals *, int);
int sigpending(mpt_signals *);
int pthread_sigmask(int, const mpt_signals *, mpt_signals *);
]])

local lib = ffi.load(os.getenv("MPT_TOKENS_LIBRARY") or (jit.os == "OSX" and "libmpt_tokens.1.dylib" or "libmpt_tokens.so.1"))
if lib.mpt_abi_version() ~= 1 then
  error("libmpt_tokens has the ABI " .. lib.mpt_abi_version() .. ": expected 1")
end

-- A C string ends at NUL, which would cut an id short; U+0001 is rejected just as NUL is.
local function text(value)
  return (value:gsub("%z", "\1"))
end

local function milliseconds(seconds)
  return math.ceil(seconds * 1000)
end

-- 0 is the default for C, -1 (MPT_PATIENCE_NONE) is no patience, and what is below is refused.
local function patience_ms(seconds)
  if not seconds then
    return 0
  elseif seconds == 0 then
    return -1
  end
  return seconds > 0 and milliseconds(seconds) or milliseconds(seconds) - 2
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

--- The result of a call for one token: its `id`; `outcome`, which is "deleted", "gone", "not_deleted" or "unknown";
-- `code`, "ok" or what happened; `http_status`; `attempts`, a list; `rounds`, the number of calls for the token, more
-- than 1 if a batch put it off and tried it again; `problem`, the server's problem details; `message`;
-- `retryable`, whether trying again later can change the result; `retry_after` in seconds; `trace_id`; `elapsed_ms`;
-- `at`, when this became known, in UTC (RFC 3339).
-- What is not known is nil. tostring returns the message.
local Outcome = {}
Outcome.__index = Outcome

function Outcome:__tostring()
  return self.message
end

--- Returns true if the token is dead: deleted or gone.
function Outcome:is_success()
  return self.code == "ok"
end

-- Reads a native outcome and frees it.
local function take(pointer)
  local json = ffi.string(lib.mpt_outcome_json(pointer))
  lib.mpt_outcome_free(pointer)
  return setmetatable(plain(assert(cjson.decode(json))), Outcome)
end

-- During a call: the user's poll function, and the error it raised.
local waiting, raised

-- Ctrl-C makes luajit raise an error wherever it is, which must not happen inside a native call. So the signal is held
-- back during a call that polls, ends that call, and takes effect after it.
local SIGINT, SIG_BLOCK, SIG_SETMASK = 2, jit.os == "OSX" and 1 or 0, jit.os == "OSX" and 3 or 2
local interrupt, before, pending = ffi.new("mpt_signals"), ffi.new("mpt_signals"), ffi.new("mpt_signals")
ffi.C.sigemptyset(interrupt)
ffi.C.sigaddset(interrupt, SIGINT)

-- The callback that the library polls. It is created once, since LuaJIT has room for only a few. An error must not
-- leave it: it ends the call, and is raised after it.
local poll = ffi.cast("mpt_poll_callback", function()
  if not waiting then
    return 0
  end
  ffi.C.sigpending(pending)
  if ffi.C.sigismember(pending, SIGINT) == 1 then
    return 1
  end
  local fine, stop = pcall(waiting)
  if not fine then
    raised, waiting = { stop }, nil
  end
  return (stop or not fine) and 1 or 0
end)

-- Makes a native call that returns an outcome, or NULL, and takes ownership of it. Returns it, and the error that the
-- user's function raised meanwhile, in a table.
local function wait(client, native, ...)
  if waiting then
    error("a call cannot begin while another one waits", 3)
  end
  if not client.poll then
    local pointer = native(...)
    return pointer ~= nil and take(pointer) or nil
  end
  -- A hook that raises an error would also do so inside the call.
  local hook, events, count = debug.gethook()
  if type(hook) == "function" then
    debug.sethook()
  end
  ffi.C.pthread_sigmask(SIG_BLOCK, interrupt, before)
  raised, waiting = nil, client.poll
  local pointer = native(...)
  waiting = nil
  local outcome, failed = pointer ~= nil and take(pointer) or nil, raised
  if type(hook) == "function" then
    debug.sethook(hook, events, count)
  end
  ffi.C.pthread_sigmask(SIG_SETMASK, before, nil)
  return outcome, failed
end

local function delete_token(call, id)
  local outcome = ffi.new("mpt_outcome *[1]")
  lib.mpt_delete_token(call, id, outcome)
  return outcome[0]
end

local function burn(call, value)
  local outcome = ffi.new("mpt_outcome *[1]")
  lib.mpt_burn(call, value, outcome)
  return outcome[0]
end

local function batch_next(batch)
  return lib.mpt_batch_next(batch)
end

local function batch_free(batch)
  lib.mpt_batch_free(ffi.gc(batch, nil))
end

-- A native call can call back into Lua only if the call is not JIT-compiled.
jit.off(delete_token)
jit.off(burn)
jit.off(batch_next)
jit.off(batch_free)

-- A handle on the same connections that is cancelled separately.
local function begin(client)
  local call = ffi.gc(lib.mpt_client_clone(client.handle or error("the client is closed", 3)), lib.mpt_client_free)
  client.calls[call] = true
  if client.cancelled then
    lib.mpt_client_cancel(call)
  end
  return call
end

local function finish(client, call)
  client.calls[call] = nil
  lib.mpt_client_free(ffi.gc(call, nil))
end

--- The outcomes of a batch, including failures, in order of completion: `for outcome in batch do`. After a `break`,
-- stop it, or leave that to the garbage collector.
local Batch = {}
Batch.__index = Batch

function Batch:__call()
  local kept = self.kept
  if kept or not self.handle then
    self.kept = nil
    return kept
  end
  local outcome, failed = wait(self.client, batch_next, self.handle)
  if failed then
    self.kept = outcome
    error(failed[1], 0)
  end
  if not outcome then
    local reason = lib.mpt_batch_stopped(self.handle)
    if reason ~= nil then
      self.why = {
        reason = ffi.string(reason),
        code = ffi.string(lib.mpt_code_name(lib.mpt_batch_stopped_code(self.handle))),
        message = ffi.string(lib.mpt_batch_stopped_message(self.handle)),
        skipped = tonumber(lib.mpt_batch_skipped(self.handle)),
        not_pulled = tonumber(lib.mpt_batch_not_pulled(self.handle)),
      }
    end
    batch_free(self.handle)
    self.handle = nil
    finish(self.client, self.call)
  end
  return outcome
end

--- Starts no more deletions. Calls under way finish, and their outcomes can still be taken.
function Batch:stop()
  if self.handle then
    lib.mpt_batch_stop(self.handle)
  end
end

--- Why the batch stopped before the end of its list: a table with `reason` ("unauthorized", "paused", "no_answer",
-- "journal", "asked" or "cancelled"), `code`, `message`, `skipped` and `not_pulled`, the number of ids that were not
-- reached and have no outcome. Ask after the last outcome. nil if it did not stop.
function Batch:stopped()
  return self.why
end

--- Deletes tokens. Close it with `close`, or leave that to the garbage collector.
local Client = {}
Client.__index = Client

function Client:__tostring()
  return "mpt_tokens.client"
end

local function one(self, native, id)
  local bytes = text(id)
  local call = begin(self)
  local told, failed = wait(self, native, call, bytes)
  finish(self, call)
  if failed then
    error(failed[1], 0)
  end
  if told:is_success() then
    return told
  end
  return nil, told
end

--- Deletes one token and blocks until the outcome is known.
-- Returns its outcome, or nil and the outcome if the token is not dead afterwards.
function Client:delete_token(id)
  return one(self, delete_token, id)
end

--- Burns a leaked value: deletes its token with the value itself as the credential, and proves that it is dead. If the
-- code is "dead_value", it was dead already, or never was a value. Returns what delete_token returns.
function Client:burn(value)
  return one(self, burn, value)
end

local start

--- Burns a list of leaked values, each with itself as the credential: see burn. Takes and returns what delete_tokens does.
function Client:burn_tokens(values, options)
  return start(self, lib.mpt_burn_batch_new, values, options)
end

--- Deletes a list of tokens, `options.concurrency` (8) at a time; `options.journal` is the path of a write-ahead record.
-- `options.patience` is how many seconds the batch continues without a conclusive answer from the API: 600 by default, at
-- most one week. A token whose call came to nothing is put off and tried again meanwhile. 0: one call for each token.
-- Returns a batch, or nil and an outcome if it cannot start.
function Client:delete_tokens(ids, options)
  return start(self, lib.mpt_batch_new, ids, options)
end

function start(self, make, ids, options)
  options = options or {}
  local texts, list = {}, ffi.new("const char *[?]", #ids)
  for place, id in ipairs(ids) do
    texts[place] = text(id)
    list[place - 1] = texts[place]
  end
  local journal = options.journal and text(options.journal)
  local native = ffi.new("mpt_batch_options", { ffi.sizeof("mpt_batch_options"), options.concurrency or 0, 0, 0, journal })
  native.patience_ms = patience_ms(options.patience)
  local batch, refused = ffi.new("mpt_batch *[1]"), ffi.new("mpt_outcome *[1]")
  local call = begin(self)
  make(call, list, #texts, native, batch, refused)
  if refused[0] ~= nil then
    finish(self, call)
    return nil, take(refused[0])
  end
  return setmetatable({ handle = ffi.gc(batch[0], lib.mpt_batch_free), client = self, call = call }, Batch)
end

--- Cancels the calls under way within 200 ms, and every later one; their code is "cancelled".
function Client:cancel()
  self.cancelled = true
  for call in pairs(self.calls) do
    lib.mpt_client_cancel(call)
  end
end

--- Closes the connections. A batch that was started can still be finished.
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
  missing_ok = set_flag, allow_own_token = set_flag, allow_plain_http = set_flag, ca_only = set_flag, burn_only = set_flag,
  attempts = setter(function(count) return count end),
  backoff = function(config, _, pauses)
    lib.mpt_config_set_backoff_ms(config, milliseconds(pauses[1]), milliseconds(pauses[2]))
  end,
  poll = function(config) lib.mpt_config_set_poll(config, poll, nil) end,
}

--- Creates a client. What `options` does not set comes from the environment (MPT_API_TOKEN, MPT_API_BASE_URL, the usual
-- proxy variables), or is the library's default: api_token, base_url, user_agent, ca_file, proxy; attempts; timeout,
-- attempt_timeout, connect_timeout in seconds; backoff, a list of the first pause and the longest; missing_ok,
-- allow_own_token, allow_plain_http, ca_only; burn_only, for a client without an API token that can only burn; poll, a function that is called about every 50 ms while a call waits: if
-- it returns true or raises an error, that call ends; with a poll, Ctrl-C ends it too. The function may cancel the
-- client, but must not make calls.
-- Returns the client, or nil and an outcome that says what cannot be used.
local function new(options)
  local config = ffi.gc(lib.mpt_config_new_from_env(), lib.mpt_config_free)
  options = options or {}
  for name, value in pairs(options) do
    local set = setters[name] or error("there is no option " .. tostring(name), 2)
    set(config, name, value)
  end
  local client, refused = ffi.new("mpt_client *[1]"), ffi.new("mpt_outcome *[1]")
  lib.mpt_client_new(config, client, refused)
  lib.mpt_config_free(ffi.gc(config, nil))
  if refused[0] ~= nil then
    return nil, take(refused[0])
  end
  local handle = ffi.gc(client[0], lib.mpt_client_free)
  return setmetatable({ handle = handle, poll = options.poll, calls = setmetatable({}, { __mode = "k" }) }, Client)
end

return { new = new }
