//! The two faces of a report: a success, and an error.

use std::fmt;
use std::ops::Deref;

use crate::report::code::{Code, Outcome};
use crate::report::report::Report;

impl Report {
    /// A success as `Deletion`, a failure as `Error`.
    pub fn into_result(self) -> Result<Deletion, Error> {
        if self.is_success() { Ok(Deletion(Box::new(self))) } else { Err(Error(Box::new(self))) }
    }
}

/// A success: the token is `deleted` or `gone`. Everything a [`Report`] tells is on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Deletion(Box<Report>);

/// A failure: the token is `not_deleted`, or it is `unknown` whether it is. Everything a [`Report`] tells is on it.
///
/// One word wide. `Display` is [`Report::message`].
#[derive(Clone, Debug, PartialEq)]
pub struct Error(Box<Report>);

impl Error {
    /// An argument that cannot be used: for layers that take values from another language, which Rust's types would
    /// have kept out. The message says which, what was expected and what was found.
    pub fn invalid_argument(message: impl Into<String>) -> Error {
        Error(Box::new(Report::refused(Code::InvalidArgument, None, message.into())))
    }

    /// A bug: for layers that catch a panic before it reaches another language. Nothing is known of the token.
    pub fn internal() -> Error {
        Error(Box::new(Report::internal(None)))
    }

    /// Whether the token may have been deleted although this is a failure.
    pub fn is_unknown(&self) -> bool {
        self.outcome == Outcome::Unknown
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
            pub fn into_report(self) -> Report {
                *self.0
            }
        }

        impl Deref for $face {
            type Target = Report;

            fn deref(&self) -> &Report {
                &self.0
            }
        }

        impl From<$face> for Report {
            fn from(face: $face) -> Report {
                *face.0
            }
        }
    };
}

face_of_a_report!(Deletion);
face_of_a_report!(Error);

impl From<Result<Deletion, Error>> for Report {
    fn from(result: Result<Deletion, Error>) -> Report {
        result.map_or_else(Report::from, Report::from)
    }
}
