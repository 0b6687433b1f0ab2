//! What a call can end with: the outcome (what is true of the token) and the code (what happened).

use std::fmt;

use serde::{Serialize, Serializer};

/// What is true of the token after a call: the question that this library answers.
///
/// `Deleted` and `Gone` are successes. Every failure is `NotDeleted` or `Unknown`, and is never wrong about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum OutcomeKind {
    /// The API confirmed the deletion: it answered 204.
    Deleted = 1,
    /// The token is not there any more: the API answered 404 after an attempt whose answer was lost,
    /// or to the first attempt of a call that accepts a missing token.
    Gone = 2,
    /// The token was surely not deleted by this call.
    NotDeleted = 3,
    /// The token may have been deleted; ask again to find out.
    Unknown = 4,
}

impl OutcomeKind {
    /// All kinds, in the order of their numbers.
    pub const ALL: [OutcomeKind; 4] =
        [OutcomeKind::Deleted, OutcomeKind::Gone, OutcomeKind::NotDeleted, OutcomeKind::Unknown];

    /// Returns the name used in every language and in JSON: `deleted`, `gone`, `not_deleted` or `unknown`.
    pub const fn name(self) -> &'static str {
        match self {
            OutcomeKind::Deleted => "deleted",
            OutcomeKind::Gone => "gone",
            OutcomeKind::NotDeleted => "not_deleted",
            OutcomeKind::Unknown => "unknown",
        }
    }

    /// Returns the number used in the C ABI, 1 to 4. Numbers are never reused or changed.
    pub const fn number(self) -> i32 {
        self as i32
    }

    /// Returns true if the credential is dead: `Deleted` or `Gone`.
    pub const fn is_success(self) -> bool {
        matches!(self, OutcomeKind::Deleted | OutcomeKind::Gone)
    }
}

impl fmt::Display for OutcomeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for OutcomeKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// The one table of codes: variant, number, name, whether it may leave the outcome `unknown` by itself, meaning.
macro_rules! codes {
    ($($variant:ident = $number:literal, $name:literal, $kind:literal, $meaning:literal;)*) => {
        /// What happened to a call. The numbers are part of the C ABI: never reused, never renumbered.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        #[repr(i32)]
        pub enum Code {
            $(
                #[doc = concat!("`", $name, "`: ", $meaning, ". Outcome: ", $kind, ".")]
                $variant = $number,
            )*
        }

        impl Code {
            /// Every code, in the order of their numbers.
            pub const ALL: &'static [Code] = &[$(Code::$variant),*];

            /// The name used in every language and in JSON.
            pub const fn name(self) -> &'static str {
                match self { $(Code::$variant => $name),* }
            }

            /// One line that says when this code is given.
            pub const fn meaning(self) -> &'static str {
                match self { $(Code::$variant => $meaning),* }
            }

            /// The outcomes that this code can come with when no earlier attempt of the call was lost, in words.
            pub const fn outcome_rule(self) -> &'static str {
                match self { $(Code::$variant => $kind),* }
            }
        }
    };
}

codes! {
    Ok = 0, "ok", "deleted / gone", "success";
    InvalidArgument = 1, "invalid_argument", "not_deleted", "a null pointer, text that is not UTF-8, or an impossible option";
    InvalidTokenId = 2, "invalid_token_id", "not_deleted", "the token id is empty, `.` or `..`; has `/`, `\\`, `%`, `;` or a control character; is longer than 256 bytes; or is a token value";
    InvalidConfig = 3, "invalid_config", "not_deleted", "the base URL, the API token, the proxy or the CA file cannot be used";
    OwnToken = 4, "own_token", "not_deleted", "the token id is that of the token in use, and deleting it was not allowed";
    BadRequest = 100, "bad_request", "not_deleted", "the API answered 400";
    Unauthorized = 101, "unauthorized", "not_deleted", "the API answered 401";
    Forbidden = 102, "forbidden", "not_deleted", "the API answered 403";
    NotFound = 103, "not_found", "not_deleted", "the API answered 404 in its own form: problem details with a `type` or a `title`, whose `status` is absent or 404";
    Conflict = 104, "conflict", "not_deleted", "the API answered 409";
    RateLimited = 105, "rate_limited", "not_deleted", "the API answered 429, and waiting would pass the deadline or the attempts are used up";
    ServerError = 106, "server_error", "unknown", "the API answered 5xx";
    UnexpectedResponse = 107, "unexpected_response", "not_deleted where the status by its definition says that the request was not carried out; else unknown", "anything else: a 2xx that is not 204, any 3xx, another 4xx, a 404 that is not the API's (a wrong base URL or a gateway), or bytes that are not HTTP";
    DeadValue = 108, "dead_value", "not_deleted", "burning only: the API answered 401 to the value itself, and no answer was lost before: the value is dead already, or never was one";
    ResolveFailed = 200, "resolve_failed", "not_deleted", "the host has no address";
    ConnectFailed = 201, "connect_failed", "not_deleted", "no connection could be opened";
    TlsFailed = 202, "tls_failed", "not_deleted", "the TLS handshake failed, or the certificate is not trusted";
    ProxyFailed = 203, "proxy_failed", "not_deleted", "the proxy refused, or could not be reached";
    ConnectionLost = 204, "connection_lost", "unknown", "the connection ended after the request may have left";
    Timeout = 205, "timeout", "by whether the request may have left", "a deadline passed";
    Cancelled = 206, "cancelled", "by whether the request may have left", "the caller asked to stop";
    Skipped = 207, "skipped", "not_deleted", "batch only: not tried, because the batch was stopped";
    Internal = 300, "internal", "unknown", "a bug in this library: a caught panic";
}

impl Code {
    /// Returns the number used in the C ABI.
    pub const fn number(self) -> i32 {
        self as i32
    }

    /// Returns the code with this number, if there is one.
    pub fn from_number(number: i32) -> Option<Code> {
        Code::ALL.iter().copied().find(|code| code.number() == number)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
