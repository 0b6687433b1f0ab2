rockspec_format = "3.0"
package = "mpt_tokens"
version = "0.1.0-1"
source = { url = "." }
description = {
  summary = "Deletes API tokens of the SoftwareONE Marketplace, and says what is true of them afterwards",
  detailed = "For LuaJIT, over the shared library libmpt_tokens.",
  license = "MIT OR Apache-2.0",
}
dependencies = { "lua ~> 5.1", "lua-cjson >= 2.1" }
build = { type = "builtin", modules = { mpt_tokens = "mpt_tokens.lua" } }
