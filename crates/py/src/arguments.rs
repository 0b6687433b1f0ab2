//! What Python passes in, taken as what it is meant to be. A refusal names the argument, what was found and what was
//! expected; it never shows what may be a secret.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use mpt_tokens::Code;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDelta, PyFloat, PyInt, PyList, PyString, PyTuple};

use crate::error;

/// A text that is longer is not shown: it may be a secret in the wrong place.
const SHORT: usize = 12;
/// The longest number that is shown.
const LONGEST_NUMBER: usize = 40;

type Value<'a, 'py> = &'a Bound<'py, PyAny>;

/// An argument as a message shows it.
fn shown(value: Value<'_, '_>) -> String {
    let is_short_text = || {
        let text = value.cast::<PyString>().ok().and_then(|text| text.to_str().ok());
        text.is_some_and(|text| text.chars().count() <= SHORT)
    };
    let is_number = value.is_instance_of::<PyFloat>() || value.is_instance_of::<PyInt>();
    if value.is_none() || is_number || is_short_text() {
        // `repr` of a number may refuse: one of thousands of digits.
        if let Ok(repr) = value.repr().map(|repr| repr.to_string()) {
            return match repr.char_indices().nth(LONGEST_NUMBER) {
                Some((end, _)) => format!("{}...", &repr[..end]),
                None => repr,
            };
        }
    }
    kind(value)
}

/// Only what kind of thing it is.
fn kind(value: Value<'_, '_>) -> String {
    match value.get_type().name() {
        Ok(name) => format!("of type {name}"),
        Err(_) => "of another type".to_owned(),
    }
}

pub(crate) fn wrong_type(name: &str, found: &str, value: Value<'_, '_>, expected: &str) -> PyErr {
    error::refuse_type(value.py(), &format!("the {name} {found}: expected {expected}"))
}

fn is_wrong(name: &str, value: Value<'_, '_>, expected: &str) -> PyErr {
    wrong_type(name, &format!("is {}", shown(value)), value, expected)
}

/// A text that may be a secret.
pub(crate) fn text(name: &str, value: Value<'_, '_>) -> PyResult<Option<String>> {
    if value.is_none() {
        return Ok(None);
    }
    let Ok(text) = value.cast::<PyString>() else {
        return Err(wrong_type(name, &format!("is {}", kind(value)), value, "a str"));
    };
    match text.to_str() {
        Ok(text) => Ok(Some(text.to_owned())),
        // Python's own exception holds the text.
        Err(_) => {
            let message = format!("the {name} has a lone surrogate in it: expected text");
            Err(error::refuse(value.py(), Code::InvalidArgument, &message))
        }
    }
}

/// A path: a `str`, or what says which path it is.
pub(crate) fn path(name: &str, value: Value<'_, '_>) -> PyResult<Option<PathBuf>> {
    if value.is_none() {
        return Ok(None);
    }
    value.extract().map(Some).map_err(|failure: PyErr| {
        match failure.is_instance_of::<pyo3::exceptions::PyException>(value.py()) {
            true => wrong_type(name, &format!("is {}", kind(value)), value, "a path"),
            false => failure,
        }
    })
}

/// Bytes.
pub(crate) fn bytes(name: &str, value: Value<'_, '_>) -> PyResult<Option<Vec<u8>>> {
    if value.is_none() {
        return Ok(None);
    }
    match value.cast::<PyBytes>() {
        Ok(bytes) => Ok(Some(bytes.as_bytes().to_vec())),
        Err(_) => Err(wrong_type(name, &format!("is {}", kind(value)), value, "bytes")),
    }
}

/// Yes or no; `None` for neither.
pub(crate) fn flag(name: &str, value: Value<'_, '_>) -> PyResult<Option<bool>> {
    if value.is_none() {
        return Ok(None);
    }
    match value.cast::<PyBool>() {
        Ok(yes) => Ok(Some(yes.is_true())),
        Err(_) => Err(is_wrong(name, value, "True or False")),
    }
}

/// Seconds: a number or a `timedelta`.
pub(crate) fn seconds(
    name: &str,
    value: Value<'_, '_>,
    longest: Duration,
) -> PyResult<Option<Duration>> {
    const EXPECTED: &str = "a number of seconds, or a timedelta";
    if value.is_none() {
        return Ok(None);
    }
    let out_of_range = |expected: &str| {
        let message = format!("the {name} is {}: expected {expected}", shown(value));
        Err(error::refuse(value.py(), Code::InvalidArgument, &message))
    };
    if value.is_instance_of::<PyBool>() || value.is_instance_of::<PyString>() {
        return Err(is_wrong(name, value, EXPECTED));
    }
    let most = format!("seconds, at most {} (None is the default)", longest.as_secs());
    let number = if let Ok(delta) = value.cast::<PyDelta>() {
        delta.call_method0("total_seconds")?.extract::<f64>()?
    } else {
        // Also a `Decimal`, a `Fraction`, a number of numpy.
        match value.extract::<f64>() {
            Ok(number) => number,
            Err(failure)
                if failure.is_instance_of::<pyo3::exceptions::PyOverflowError>(value.py()) =>
            {
                return out_of_range(&most);
            }
            Err(failure) if failure.is_instance_of::<pyo3::exceptions::PyException>(value.py()) => {
                return Err(is_wrong(name, value, EXPECTED));
            }
            Err(interrupt) => return Err(interrupt),
        }
    };
    if number.is_nan() {
        return out_of_range("a number of seconds");
    }
    if number < 0.0 {
        return out_of_range("seconds, not negative");
    }
    match Duration::try_from_secs_f64(number) {
        Ok(time) => Ok(Some(time)),
        Err(_) => out_of_range(&most),
    }
}

/// The bounds of a pause.
pub(crate) fn backoff(
    value: Value<'_, '_>,
    longest: Duration,
) -> PyResult<Option<(Duration, Duration)>> {
    if value.is_none() {
        return Ok(None);
    }
    let is_pair = value.is_instance_of::<PyTuple>() || value.is_instance_of::<PyList>();
    if !is_pair || value.len()? != 2 {
        return Err(is_wrong("backoff", value, "a pair (base, cap) of seconds, such as (0.2, 10)"));
    }
    let bound = |place: usize, name: &str| match seconds(name, &value.get_item(place)?, longest)? {
        Some(bound) => Ok(bound),
        None => Err(is_wrong(name, &value.get_item(place)?, "a number of seconds, or a timedelta")),
    };
    Ok(Some((bound(0, "base of the backoff")?, bound(1, "cap of the backoff")?)))
}

/// A whole number. `is`: "is" or "are".
pub(crate) fn whole(
    name: &str,
    is: &str,
    value: Value<'_, '_>,
    range: &RangeInclusive<u64>,
) -> PyResult<Option<u64>> {
    if value.is_none() {
        return Ok(None);
    }
    let expected = format!("{} to {}", range.start(), range.end());
    let is_number = !value.is_instance_of::<PyBool>() && value.hasattr("__index__")?;
    if !is_number {
        let found = format!("{is} {}", shown(value));
        return Err(wrong_type(name, &found, value, &format!("a whole number, {expected}")));
    }
    match value.extract::<u64>() {
        Ok(number) if range.contains(&number) => Ok(Some(number)),
        _ => {
            let message = format!("the {name} {is} {}: expected {expected}", shown(value));
            Err(error::refuse(value.py(), Code::InvalidArgument, &message))
        }
    }
}

/// `None` in place of a token value.
pub(crate) fn not_a_value(name: &str, value: Value<'_, '_>) -> PyErr {
    wrong_type(name, "is None", value, "a str of the form `idt:TKN-XXXX-XXXX:<secret>`")
}

/// What is given for an id and is no text.
pub(crate) fn not_an_id(name: &str, value: Value<'_, '_>) -> PyErr {
    let expected = "a str, such as TKN-1671-0642";
    wrong_type(name, &format!("is {}", kind(value)), value, expected)
}

/// The id of a token: text, or how to show what is none.
pub(crate) enum Id {
    Text(String),
    NotText(String),
}

/// The id of a token.
pub(crate) fn token_id(text: &Bound<'_, PyString>) -> PyResult<Id> {
    match text.to_str() {
        Ok(text) => Ok(Id::Text(text.to_owned())),
        Err(_) => {
            let escaped = text.call_method1("encode", ("utf-8", "backslashreplace"))?;
            let escaped: Vec<u8> = escaped.extract()?;
            Ok(Id::NotText(String::from_utf8_lossy(&escaped).into_owned()))
        }
    }
}
