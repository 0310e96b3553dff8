//! Parts of sentences that several messages share.

use std::time::Duration;

use crate::framework::Number;
pub(super) use crate::jdcloud::joined;

/// The maximum number of characters that are shown of a number.
const DIGITS: usize = 40;

/// At most `most` names, and the number of the others.
pub(super) fn listed<T: AsRef<str>>(names: &[T], most: usize) -> String {
    let shown = names.iter().take(most).map(AsRef::as_ref).collect::<Vec<_>>().join(", ");
    match names.len().checked_sub(most) {
        Some(more @ 1..) => format!("{shown} and {more} more"),
        _ if names.is_empty() => "none".to_owned(),
        _ => shown,
    }
}

/// `1 image`, `2 images`.
pub(super) fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// That `argument` must be a whole number that the provider can use, and not `number`.
pub(super) fn whole_number_required(argument: &str, number: &Number) -> String {
    let number = number.to_string();
    let shown: String = number.chars().take(DIGITS).collect();
    let more = if shown.len() < number.len() { "…" } else { "" };
    if number.chars().all(|c| c.is_ascii_digit()) {
        return format!("{argument} is too large: {shown}{more}.");
    }
    format!("{argument} must be a whole number of at least 0, not {shown}{more}.")
}

/// "is" for one name, else "are".
pub(super) fn are<T>(names: &[T]) -> &'static str {
    if names.len() == 1 { "is" } else { "are" }
}

/// A duration in its largest unit: `30 ms`, `20 s`, `1.5 min`, `2 h`.
pub(super) fn span(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    let (value, unit) = match seconds {
        ..1.0 => return format!("{} ms", duration.as_millis()),
        ..90.0 => (seconds, "s"),
        ..5400.0 => (seconds / 60.0, "min"),
        _ => (seconds / 3600.0, "h"),
    };
    let text = format!("{value:.1}");
    format!("{} {unit}", text.strip_suffix(".0").unwrap_or(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_durations_are_formatted_for_sentences() {
        assert_eq!(listed(&["a", "b"], 2), "a, b");
        assert_eq!(listed(&["a", "b", "c"], 2), "a, b and 1 more");
        assert_eq!(listed::<&str>(&[], 2), "none");
        assert_eq!([joined(&[""; 0]), joined(&["a"]), joined(&["a", "b", "c"])], ["", "a", "a, b and c"]);
        assert_eq!([counted(1, "image"), counted(2, "image")], ["1 image", "2 images"]);
        let spans = [0, 30, 20_000, 90_000, 300_000, 7_200_000].map(|ms| span(Duration::from_millis(ms)));
        assert_eq!(spans, ["0 ms", "30 ms", "20 s", "1.5 min", "5 min", "2 h"]);
    }
}
