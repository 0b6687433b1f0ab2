//! An outcome as a `Result`: a success is a `Deletion`, a failure is an `Error`.

use std::fmt;
use std::time::Duration;

use crate::outcome::code::{Code, OutcomeKind};
use crate::outcome::outcome::{Attempt, Outcome, Proof};
use crate::outcome::problem::ProblemDetails;

impl Outcome {
    /// Returns a success as `Deletion`, and a failure as `Error`.
    pub fn into_result(self) -> Result<Deletion, Error> {
        if self.is_success() { Ok(Deletion(Box::new(self))) } else { Err(Error(Box::new(self))) }
    }
}

/// A success: the token is `deleted` or `gone`. It has every method of [`Outcome`].
///
/// One word wide. `Display` writes [`Outcome::message`].
#[derive(Clone, Debug, PartialEq)]
pub struct Deletion(Box<Outcome>);

/// A failure: the token is `not_deleted`, or it is `unknown` whether it is. It has every method of [`Outcome`].
///
/// One word wide. `Display` writes [`Outcome::message`], which has the whole cause in it. `source()` is always `None`:
/// the errors below are not kept, since their texts could hold the API token or what a server echoed of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Error(Box<Outcome>);

impl Error {
    /// Makes an error for an argument that cannot be used: for layers that take values from another language, which
    /// Rust's types would have kept out. The message says which, what was expected and what was found.
    pub fn invalid_argument(message: impl Into<String>) -> Error {
        Error::refused(Code::InvalidArgument, None, message.into())
    }

    /// Makes an error for a bug: for layers that catch a panic before it reaches another language. Nothing is known of
    /// the token.
    pub fn internal() -> Error {
        Error(Box::new(Outcome::internal(None)))
    }

    /// The error of an outcome that is no success.
    pub(crate) fn of(outcome: Outcome) -> Error {
        debug_assert!(!outcome.is_success());
        Error(Box::new(outcome))
    }

    /// Makes an error for something refused before anything was sent.
    pub(crate) fn refused(code: Code, id: Option<String>, message: String) -> Error {
        Error(Box::new(Outcome::refused(code, id, message)))
    }

    /// Returns true if the token may have been deleted although this is a failure.
    pub fn is_unknown(&self) -> bool {
        self.kind() == OutcomeKind::Unknown
    }
}

impl std::error::Error for Error {}

/// Gives both types the methods of an outcome.
macro_rules! methods_of_an_outcome {
    ($($name:ident -> $returns:ty),* $(,)?) => {
        methods_of_an_outcome!(for Deletion: $($name -> $returns),*);
        methods_of_an_outcome!(for Error: $($name -> $returns),*);
    };
    (for $of:ident: $($name:ident -> $returns:ty),*) => {
        impl $of {
            $(
                #[doc = concat!("Returns what [`Outcome::", stringify!($name), "`] returns.")]
                pub fn $name(&self) -> $returns {
                    self.0.$name()
                }
            )*

            /// Returns the whole outcome.
            pub fn outcome(&self) -> &Outcome {
                &self.0
            }

            /// Returns the whole outcome, for good.
            pub fn into_outcome(self) -> Outcome {
                *self.0
            }
        }

        impl fmt::Display for $of {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.message())
            }
        }

        impl AsRef<Outcome> for $of {
            fn as_ref(&self) -> &Outcome {
                &self.0
            }
        }

        impl From<$of> for Outcome {
            fn from(result: $of) -> Outcome {
                *result.0
            }
        }
    };
}

methods_of_an_outcome! {
    id -> Option<&str>,
    kind -> OutcomeKind,
    code -> Code,
    http_status -> Option<u16>,
    attempts -> &[Attempt],
    problem -> Option<&ProblemDetails>,
    message -> &str,
    from_journal -> bool,
    retryable -> bool,
    retry_after -> Option<Duration>,
    trace_id -> Option<&str>,
    server_trace_id -> Option<&str>,
    elapsed -> Duration,
    proof -> Option<&Proof>,
    is_success -> bool,
    to_json -> String,
}

impl From<Result<Deletion, Error>> for Outcome {
    fn from(result: Result<Deletion, Error>) -> Outcome {
        result.map_or_else(Outcome::from, Outcome::from)
    }
}
