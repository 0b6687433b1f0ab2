//! `Retry-After` (RFC 9110, section 10.2.3).

use std::time::{Duration, SystemTime};

/// The wait that a `Retry-After` asks for, or `None` when the field is not one.
///
/// `delay-seconds`, or one of the three forms of an HTTP date. A date is measured against the answer's own `Date`
/// where it has one, so that a wrong clock here or there does not matter; else against `now`. A date in the past
/// is a wait of zero. Signs, fractions and anything else make the field no `Retry-After` at all.
pub(crate) fn parse(value: &str, date: Option<&str>, now: SystemTime) -> Option<Duration> {
    let value = value.trim_matches([' ', '\t']);
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        // More digits than fit are a wait without end: longer than any deadline.
        return Some(Duration::from_secs(
            value.parse().unwrap_or(u64::from(u32::MAX)).min(u32::MAX.into()),
        ));
    }
    let then = httpdate::parse_http_date(value).ok()?;
    let sent = date.and_then(|date| httpdate::parse_http_date(date.trim()).ok()).unwrap_or(now);
    Some(then.duration_since(sent).unwrap_or(Duration::ZERO))
}
