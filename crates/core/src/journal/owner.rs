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
    /// None: each value is burnt with itself as the credential.
    None { burn: bool },
    /// The id of the token in use.
    Named { token_id: String },
    /// Of a value that names none: HMAC-SHA-256 under a key that each journal draws anew, so that nobody can tell from
    /// two journals whether they are of one token. In hexadecimal.
    Unnamed { token_key: String, token_hmac: String },
}

impl Owner {
    /// The owner of a new journal; `None` when the system gives no random bytes.
    pub(crate) fn new(client: &Client) -> Option<Owner> {
        let account = match (client.own_token(), client.own_token_id()) {
            (None, _) => Account::None { burn: true },
            (_, Some(id)) => Account::Named { token_id: id.to_owned() },
            (Some(token), None) => {
                let mut key = [0; 16];
                SystemRandom::new().fill(&mut key).ok()?;
                let token_key = hex(&key);
                let token_hmac = digest(&token_key, token);
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
        let (own, id) = (client.own_token(), client.own_token_id());
        let same = match (&self.account, own) {
            (Account::None { .. }, own) => own.is_none(),
            (_, None) => false,
            (Account::Named { token_id }, Some(_)) => id == Some(token_id),
            (Account::Unnamed { token_key, token_hmac }, Some(token)) => {
                id.is_none() && *token_hmac == digest(token_key, token)
            }
        };
        if same {
            return None;
        }
        let theirs = match &self.account {
            Account::None { .. } => Whose::Nobodys,
            Account::Named { token_id } => Whose::Named(token_id.clone()),
            Account::Unnamed { .. } => Whose::Unnamed,
        };
        let ours = match (own, id) {
            (None, _) => Whose::Nobodys,
            (_, Some(id)) => Whose::Named(id.to_owned()),
            (_, None) => Whose::Unnamed,
        };
        Some(Difference::Account(theirs, ours))
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
    Account(Whose, Whose),
}

/// The API token of a run.
#[derive(Clone, Debug)]
pub(crate) enum Whose {
    /// None: the run burns values.
    Nobodys,
    /// By its id.
    Named(String),
    /// Its value names no id.
    Unnamed,
}

impl fmt::Display for Whose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Whose::Nobodys => f.write_str("no API token (it burns values)"),
            Whose::Named(id) => write!(f, "the token `{}`", printable(id)),
            Whose::Unnamed => f.write_str("a token without an id in its value"),
        }
    }
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
                let ours = match (theirs, ours) {
                    (Whose::Unnamed, Whose::Unnamed) => "another one".to_owned(),
                    _ => ours.to_string(),
                };
                write!(
                    f,
                    "is of a run with {theirs}, and requests would be made with {ours}: what one account cannot see may live \
                     for another, so use a journal of its own for each API token"
                )
            }
        }
    }
}
