#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod dates;
mod faults;
mod options;
mod outage;
mod rate;
mod record;
mod reply;
mod route;
mod sandbox;
mod scenario;
mod script;
mod server;
mod service;
mod state;

pub use faults::{Effect, Fault, Number, fault_groups, fault_table, fault_table_markdown, faults};
pub use options::{Builder, MAIN_TOKEN_ID, numbered_id};
pub use outage::Outage;
pub use record::Status;
pub use sandbox::Sandbox;
pub use state::{RecordedRequest, Stats, Truth};

/// What the sandbox is and how to use it, in a few lines of plain text for the base URL and the
/// token value given.
pub fn guide(base_url: &str, api_token: &str) -> String {
    format!(
        "A stand-in for the SoftwareONE Marketplace.

  MPT_API_BASE_URL={base_url}
  MPT_API_TOKEN={api_token}

  curl -i -X DELETE -H 'Authorization: Bearer {api_token}' \\
       {base_url}/public/v1/accounts/api-tokens/TKN-ok-0001
  curl {base_url}/public/v1/accounts/api-tokens/TKN-ok-0001    the true state of one token
  curl {base_url}/public/v1/accounts/api-tokens                all of them (?limit=100&offset=0)
  curl {base_url}/sandbox/stats                                the requests so far

A token whose id is TKN-<scenario>-<serial> exists without being created; the serial is any letters
and digits. The scenario is one or more faults, joined by dots: each answers one DELETE, in order,
and after the last one the sandbox follows the contract. `.always` at the end repeats the last fault
forever, and `fault~N` sets a fault's number: TKN-answerlost.429~2-0001, TKN-503.always-0001.
For the table of faults:

  curl {base_url}
"
    )
}
