//! Durations as users of Terraform write them: Go's notation, or bare seconds.

use std::time::Duration;

/// Longer than any read, and small enough that adding it to a time does not overflow.
const MAX_SECONDS: f64 = 86_400.0;

/// Text that is not a valid duration.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotADuration;

/// Reads `"90s"`, `"1m30s"`, `"1.5m"`, `"500ms"`, or `"90"` as seconds; at most a day.
pub(super) fn parse(text: &str) -> Result<Duration, NotADuration> {
    let mut seconds = 0.0;
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(NotADuration);
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        let unit_end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        let scale = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" | "μs" => 1e-6,
            "ns" => 1e-9,
            // Only a number that stands alone may lack its unit.
            "" if number.len() == text.trim().len() => 1.0,
            _ => return Err(NotADuration),
        };
        seconds += number.parse::<f64>().map_err(|_| NotADuration)? * scale;
        rest = after;
    }
    if seconds > MAX_SECONDS {
        return Err(NotADuration);
    }
    Duration::try_from_secs_f64(seconds).map_err(|_| NotADuration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_writes_them_or_as_seconds() {
        let cases = [
            ("20s", 20_000),
            ("5m", 300_000),
            ("1m30s", 90_000),
            ("1.5m", 90_000),
            ("500ms", 500),
            ("60", 60_000),
            (" 1h ", 3_600_000),
            ("0.5", 500),
        ];
        for (text, milliseconds) in cases {
            assert_eq!(parse(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in
            ["", "s", "5x", "-5s", "5 s", "1m30", "1e3s", "1.2.3s", "25h", "99999999999h", ".", "inf", "５s"]
        {
            assert_eq!(parse(text), Err(NotADuration), "{text}");
        }
    }
}
