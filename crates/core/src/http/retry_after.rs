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

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    /// 6 November 1994, 08:49:37: the moment that RFC 9110 writes in all three forms.
    const MOMENT: u64 = 784_111_777;
    const IMF: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const RFC850: &str = "Sunday, 06-Nov-94 08:49:37 GMT";
    const ASCTIME: &str = "Sun Nov  6 08:49:37 1994";

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[rstest]
    #[case("0", Some(0))]
    #[case("1", Some(1))]
    #[case("120", Some(120))]
    #[case("  7\t", Some(7))]
    #[case("007", Some(7))]
    #[case("4294967295", Some(u64::from(u32::MAX)))]
    #[case("4294967296", Some(u64::from(u32::MAX)))]
    #[case("99999999999999999999999999", Some(u64::from(u32::MAX)))]
    #[case("", None)]
    #[case(" ", None)]
    #[case("-1", None)]
    #[case("+1", None)]
    #[case("1.5", None)]
    #[case("1e3", None)]
    #[case("0x10", None)]
    #[case("1 2", None)]
    #[case("1,2", None)]
    #[case("1s", None)]
    #[case("\u{661}", None)]
    #[case("soon", None)]
    #[case("Sun, 06 Nov 1994", None)]
    #[case("Sun, 32 Nov 1994 08:49:37 GMT", None)]
    #[case("1994-11-06T08:49:37Z", None)]
    fn a_field(#[case] field: &str, #[case] seconds: Option<u64>) {
        assert_eq!(parse(field, None, at(MOMENT)), seconds.map(Duration::from_secs));
    }

    /// All forms, against a `Date` in all forms: whatever the clock here says.
    #[rstest]
    fn a_date_against_a_date(
        #[values(IMF, RFC850, ASCTIME)] field: &str,
        #[values(
            "Sun, 06 Nov 1994 08:49:07 GMT",
            "Sunday, 06-Nov-94 08:49:07 GMT",
            "Sun Nov  6 08:49:07 1994"
        )]
        date: &str,
        #[values(0, MOMENT, 4_000_000_000)] now: u64,
    ) {
        assert_eq!(parse(field, Some(date), at(now)), Some(Duration::from_secs(30)));
    }

    #[test]
    fn a_date_without_a_date_is_measured_here() {
        assert_eq!(parse(IMF, None, at(MOMENT - 5)), Some(Duration::from_secs(5)));
        assert_eq!(parse(IMF, Some("yesterday"), at(MOMENT - 5)), Some(Duration::from_secs(5)));
        assert_eq!(parse(IMF, Some(IMF), at(0)), Some(Duration::ZERO));
        // In the past: now.
        assert_eq!(parse(IMF, None, at(MOMENT + 5)), Some(Duration::ZERO));
    }

    fn any_text() -> impl Strategy<Value = String> {
        let parts = prop::sample::select(vec![
            IMF, RFC850, ASCTIME, "GMT", "-", " ", "9", "Nov", ":", "\u{0}",
        ]);
        prop_oneof![
            any::<String>(),
            "[ -~]{0,40}",
            prop::collection::vec(parts, 0..8).prop_map(|parts| parts.concat()),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn anything_is_a_wait_or_is_none(field in any_text(), date in prop::option::of(any_text()), now in 0..u64::from(u32::MAX)) {
            let wait = parse(&field, date.as_deref(), at(now));
            // What it is used for: it must not overflow the clock.
            let _ = wait.map(|wait| std::time::Instant::now() + wait);
        }

        #[test]
        fn digits_are_seconds(seconds in 0..=u32::MAX, zeros in 0..4_usize) {
            let field = format!("{}{seconds}", "0".repeat(zeros));
            prop_assert_eq!(parse(&field, None, at(0)), Some(Duration::from_secs(seconds.into())));
        }

        #[test]
        fn any_two_dates(sent in 0..4_000_000_000_u64, wait in 0..1_000_000_u64, now in 0..4_000_000_000_u64) {
            let (date, field) = (httpdate::fmt_http_date(at(sent)), httpdate::fmt_http_date(at(sent + wait)));
            prop_assert_eq!(parse(&field, Some(&date), at(now)), Some(Duration::from_secs(wait)));
            prop_assert_eq!(parse(&date, Some(&field), at(now)), Some(Duration::ZERO));
        }
    }
}
