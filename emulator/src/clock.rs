//! The server's clock with the scenario's skew, and the two time formats of the protocol.

use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{Duration, OffsetDateTime, PrimitiveDateTime};

/// `x-jdcloud-date`: UTC, `YYYYMMDDTHHMMSSZ`.
const JDCLOUD_DATE: &[BorrowedFormatItem<'_>] =
    format_description!("[year][month][day]T[hour][minute][second]Z");
/// RFC 9110, section 5.6.7.
const HTTP_DATE: &[BorrowedFormatItem<'_>] =
    format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");

/// The current time, shifted by `skew_s` seconds.
pub(crate) fn now(skew_s: i64) -> OffsetDateTime {
    let now = OffsetDateTime::now_utc();
    now.checked_add(Duration::seconds(skew_s)).unwrap_or(now)
}

/// `time` as in `Date` and `Retry-After`.
pub(crate) fn http_date(time: OffsetDateTime) -> String {
    time.format(HTTP_DATE).unwrap_or_default()
}

/// Reads `x-jdcloud-date`.
pub(crate) fn parse_jdcloud_date(text: &str) -> Option<OffsetDateTime> {
    PrimitiveDateTime::parse(text, JDCLOUD_DATE).ok().map(PrimitiveDateTime::assume_utc)
}

/// Milliseconds since 1970 by the machine's own clock.
pub(crate) fn unix_ms() -> u64 {
    u64::try_from(OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{http_date, parse_jdcloud_date};

    #[test]
    fn both_forms_name_the_same_second() {
        let time = parse_jdcloud_date("20241122T120000Z").unwrap();
        assert_eq!(http_date(time), "Fri, 22 Nov 2024 12:00:00 GMT");
    }

    #[test]
    fn a_date_of_another_shape_is_refused() {
        for text in ["", "2024-11-22T12:00:00Z", "20241122T120000", "20241322T120000Z", "20241122T120000Zx"] {
            assert_eq!(parse_jdcloud_date(text), None, "{text}");
        }
    }
}
