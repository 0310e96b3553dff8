//! What users write as image IDs and instance types: what cannot be one, mostly a typing error, and how it is quoted.

use crate::provider::sentence::listed;

/// The longest image ID or instance type. Real ones have some twenty characters, and a longer one would not fit a URL
/// beside others.
const MAX_LENGTH: usize = 256;

/// How many characters of a wrong name are quoted.
const QUOTED: usize = 40;

/// How many wrong names a message quotes before it only counts.
const NAMED: usize = 20;

/// Why `name` cannot be an image ID or an instance type; any other text is taken as it is.
pub(super) fn problem(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("empty")
    } else if name.chars().count() > MAX_LENGTH {
        Some("longer than 256 characters")
    } else if name.contains(|c: char| c.is_whitespace()) {
        Some("white space")
    } else if name.contains(|c: char| c.is_control()) {
        Some("a control character")
    } else if name.contains('*') {
        Some("an asterisk, as in a masked value")
    } else {
        None
    }
}

/// `name` in quotes, short and with its control characters escaped.
pub(super) fn quoted(name: &str) -> String {
    let shown: String = name.chars().take(QUOTED).collect();
    let more = if shown.len() < name.len() { "…" } else { "" };
    format!("{shown:?}{more}")
}

/// Wrong names, each quoted with what is wrong with it.
pub(super) fn quoted_list(wrong: impl IntoIterator<Item = (String, &'static str)>) -> String {
    let wrong: Vec<String> = wrong.into_iter().map(|(name, problem)| format!("{name} ({problem})")).collect();
    listed(&wrong, NAMED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_errors_are_told_from_names() {
        for good in ["img-m5s0abcd29", "g.n2.large", "镜像", "-", "a/b?c=d&e#f%20"] {
            assert_eq!(problem(good), None, "{good}");
        }
        for (bad, why) in [
            ("", "empty"),
            (" img-a", "white space"),
            ("img-a\n", "white space"),
            ("img-a\u{a0}", "white space"),
            ("img\u{0}a", "a control character"),
            ("img-m5s0****29", "an asterisk, as in a masked value"),
            (&"a".repeat(257), "longer than 256 characters"),
            (&"a".repeat(66_000), "longer than 256 characters"),
        ] {
            assert_eq!(problem(bad), Some(why), "{bad}");
            assert!(quoted(bad).len() < 60 && !quoted(bad).contains(char::is_control), "{bad}");
        }
    }
}
