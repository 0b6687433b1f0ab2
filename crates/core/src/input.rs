//! What a caller gives, read and checked once: ids, secrets, the base URL, the trace.

pub(crate) mod api_token;
pub(crate) mod characters;
pub(crate) mod decode;
pub(crate) mod endpoint;
pub(crate) mod environment;
pub(crate) mod find_values;
pub(crate) mod random;
pub(crate) mod redact;
pub(crate) mod shown;
pub(crate) mod token_id;
pub(crate) mod token_value;
pub(crate) mod trace;
