//! The two faces of a report: a success, and an error.

use std::fmt;
use std::ops::Deref;

use crate::outcome::code::{Code, OutcomeKind};
use crate::outcome::outcome::Outcome;

impl Outcome {
    /// A success as `Deletion`, a failure as `Error`.
    pub fn into_result(self) -> Result<Deletion, Error> {
        if self.is_success() { Ok(Deletion(Box::new(self))) } else { Err(Error(Box::new(self))) }
    }
}

/// A success: the token is `deleted` or `gone`. Everything a [`Outcome`] tells is on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Deletion(Box<Outcome>);

/// A failure: the token is `not_deleted`, or it is `unknown` whether it is. Everything a [`Outcome`] tells is on it.
///
/// One word wide. `Display` is [`Outcome::message`].
#[derive(Clone, Debug, PartialEq)]
pub struct Error(Box<Outcome>);

impl Error {
    /// An argument that cannot be used: for layers that take values from another language, which Rust's types would
    /// have kept out. The message says which, what was expected and what was found.
    pub fn invalid_argument(message: impl Into<String>) -> Error {
        Error(Box::new(Outcome::refused(Code::InvalidArgument, None, message.into())))
    }

    /// A bug: for layers that catch a panic before it reaches another language. Nothing is known of the token.
    pub fn internal() -> Error {
        Error(Box::new(Outcome::internal(None)))
    }

    /// Whether the token may have been deleted although this is a failure.
    pub fn is_unknown(&self) -> bool {
        self.kind == OutcomeKind::Unknown
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl fmt::Display for Deletion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

macro_rules! face_of_a_report {
    ($face:ident) => {
        impl $face {
            /// The report behind it.
            pub fn into_outcome(self) -> Outcome {
                *self.0
            }
        }

        impl Deref for $face {
            type Target = Outcome;

            fn deref(&self) -> &Outcome {
                &self.0
            }
        }

        impl From<$face> for Outcome {
            fn from(face: $face) -> Outcome {
                *face.0
            }
        }
    };
}

face_of_a_report!(Deletion);
face_of_a_report!(Error);

impl From<Result<Deletion, Error>> for Outcome {
    fn from(result: Result<Deletion, Error>) -> Outcome {
        result.map_or_else(Outcome::from, Outcome::from)
    }
}
