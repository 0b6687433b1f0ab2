-- What the table of cases cannot ask for: the function that a client asks, and Ctrl-C, end a call and spoil nothing.
local ffi = require("ffi")
local mpt_tokens = require("mpt_tokens")

ffi.cdef([[
typedef struct { uint16_t family, port; uint32_t address; char rest[8]; } address;
int socket(int, int, int);
int bind(int, const address *, uint32_t);
int listen(int, int);
int getsockname(int, address *, uint32_t *);
int raise(int);
]])

-- It takes connections, and never says a word.
local server, here = ffi.C.socket(2, 1, 0), ffi.new("address", { 2, 0, ffi.abi("le") and 0x0100007f or 0x7f000001 })
assert(ffi.C.bind(server, here, 16) == 0 and ffi.C.listen(server, 16) == 0, "cannot listen")
assert(ffi.C.getsockname(server, here, ffi.new("uint32_t[1]", 16)) == 0)
local port = ffi.abi("le") and bit.rshift(bit.bswap(here.port), 16) or here.port

local client
local function ask(poll)
  client = assert(mpt_tokens.new({
    api_token = "x", base_url = "http://127.0.0.1:" .. port, timeout = 600, attempt_timeout = 600, poll = poll,
  }))
  return client
end

-- An error comes out as it was raised; the client goes on.
local raised = {}
local fine, got = pcall(ask(function() error(raised) end).delete_token, client, "TKN-1")
assert(not fine and got == raised, tostring(got))

-- Of a batch the outcome is still to be had.
local batch = assert(client:delete_tokens({ "TKN-2" }))
fine, got = pcall(batch)
assert(not fine and got == raised, tostring(got))
local outcome = batch()
assert(outcome.code == "cancelled" and outcome.outcome == "unknown" and batch() == nil)

-- A call in a call is refused; what cancels the client ends the call.
local nested
local _, err = ask(function()
  nested = select(2, pcall(client.delete_token, client, "TKN-3"))
  client:cancel()
end):delete_token("TKN-4")
assert(err.code == "cancelled", tostring(err))
assert(nested:match("cannot begin"), nested)

-- A hook that raises an error is no danger below the call, and is there again afterwards.
local function hook() error("the hook") end
ask(function() return true end)
debug.sethook(hook, "", 1000000)
_, err = client:delete_token("TKN-5")
assert(err.code == "cancelled" and debug.gethook() == hook)
debug.sethook()

-- Ctrl-C, as luajit has it.
ask(function() ffi.C.raise(2) end)
fine, got = pcall(client.delete_token, client, "TKN-6")
assert(not fine and tostring(got):match("interrupted!"), tostring(got))
