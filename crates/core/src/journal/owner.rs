//! Whose a journal is: the base URL that its requests go to, and the account, by the token in use.

use std::fmt;

use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};

use crate::client::client::Client;
use crate::input::api_token::ApiToken;
use crate::input::shown::printable;

/// What a journal says of its owner. A token that one account cannot see is `gone` for it, and may live all the same:
/// so what one token was answered is nothing that another may build on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Owner {
    pub(crate) base_url: String,
    #[serde(flatten)]
    account: Account,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum Account {
    /// The id of the token in use.
    Named { token_id: String },
    /// Of a value that names none: HMAC-SHA-256 under a key that each journal draws anew, so that nobody can tell from
    /// two journals whether they are of one token. In hexadecimal.
    Unnamed { token_key: String, token_hmac: String },
}

impl Owner {
    /// The owner of a new journal; `None` when the system gives no random bytes.
    pub(crate) fn new(client: &Client) -> Option<Owner> {
        let account = match client.own_token_id() {
            Some(id) => Account::Named { token_id: id.to_owned() },
            None => {
                let mut key = [0; 16];
                SystemRandom::new().fill(&mut key).ok()?;
                let token_key = hex(&key);
                let token_hmac = digest(&token_key, client.own_token());
                Account::Unnamed { token_key, token_hmac }
            }
        };
        Some(Owner { base_url: client.endpoint().base_url().to_owned(), account })
    }

    /// How the owner of this journal differs from who uses it now, if it does.
    pub(crate) fn difference(&self, client: &Client) -> Option<Difference> {
        let ours = client.endpoint().base_url();
        if self.base_url != ours {
            return Some(Difference::BaseUrl(self.base_url.clone(), ours.to_owned()));
        }
        let own = client.own_token_id();
        let same = match &self.account {
            Account::Named { token_id } => own == Some(token_id),
            Account::Unnamed { token_key, token_hmac } => {
                own.is_none() && *token_hmac == digest(token_key, client.own_token())
            }
        };
        let theirs = match &self.account {
            Account::Named { token_id } => Some(token_id.clone()),
            Account::Unnamed { .. } => None,
        };
        (!same).then(|| Difference::Account(theirs, own.map(str::to_owned)))
    }
}

fn digest(key: &str, token: &ApiToken) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    hex(hmac::sign(&key, token.expose().as_bytes()).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The one in the file, and the one in use.
#[derive(Clone, Debug)]
pub(crate) enum Difference {
    BaseUrl(String, String),
    /// By the ids of the tokens, where their values name them.
    Account(Option<String>, Option<String>),
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Difference::BaseUrl(theirs, ours) => write!(
                f,
                "is for `{}`, and requests would go to `{}`: use a journal of its own for each base URL",
                printable(theirs),
                printable(ours)
            ),
            Difference::Account(theirs, ours) => {
                let named = |id: &Option<String>| match id {
                    Some(id) => format!("the token `{}`", printable(id)),
                    None => "a token without an id in its value".to_owned(),
                };
                let ours = match (theirs, ours) {
                    (None, None) => "another one".to_owned(),
                    _ => named(ours),
                };
                write!(
                    f,
                    "is of a run with {}, and requests would be made with {ours}: what one account cannot see may live \
                     for another, so use a journal of its own for each API token",
                    named(theirs)
                )
            }
        }
    }
}
