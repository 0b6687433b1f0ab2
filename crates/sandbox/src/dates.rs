//! The three forms of an HTTP date (RFC 9110, section 5.6.7).

use httpdate::fmt_http_date;
use std::time::SystemTime;

/// `Sun, 06 Nov 1994 08:49:37 GMT`: the form that is written today.
pub(crate) fn imf_fixdate(time: SystemTime) -> String {
    fmt_http_date(time)
}

/// `Sunday, 06-Nov-94 08:49:37 GMT`: obsolete, still to be understood.
pub(crate) fn rfc850(time: SystemTime) -> String {
    let date = fmt_http_date(time);
    let rest_of_day = match &date[..3] {
        "Tue" => "sday",
        "Wed" => "nesday",
        "Thu" => "rsday",
        "Sat" => "urday",
        _ => "day",
    };
    let (weekday, day, month) = (&date[..3], &date[5..7], &date[8..11]);
    format!("{weekday}{rest_of_day}, {day}-{month}-{} {}", &date[14..16], &date[17..])
}

/// `Sun Nov  6 08:49:37 1994`: what C's `asctime` writes, still to be understood.
pub(crate) fn asctime(time: SystemTime) -> String {
    let date = fmt_http_date(time);
    let (weekday, month, clock, year) = (&date[..3], &date[8..11], &date[17..25], &date[12..16]);
    let day = date[5..7].trim_start_matches('0');
    format!("{weekday} {month} {day:>2} {clock} {year}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn the_three_forms_are_those_of_the_rfc() {
        let time = UNIX_EPOCH + Duration::from_secs(784_111_777);
        assert_eq!(imf_fixdate(time), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(rfc850(time), "Sunday, 06-Nov-94 08:49:37 GMT");
        assert_eq!(asctime(time), "Sun Nov  6 08:49:37 1994");
    }

    #[rstest]
    fn every_day_of_a_month_is_read_back_the_same(#[values(0, 1, 2, 3, 4, 5, 6, 13, 29)] day: u64) {
        let time = UNIX_EPOCH + Duration::from_secs(1_900_000_000 + day * 86_400);
        for form in [imf_fixdate(time), rfc850(time), asctime(time)] {
            assert_eq!(httpdate::parse_http_date(&form).expect(&form), time, "{form}");
        }
    }
}
