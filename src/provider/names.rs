//! Validation of image IDs and instance types in configurations, and how messages quote invalid ones.

pub(super) use crate::jdcloud::is_invisible;
use crate::provider::sentence::listed;

/// The maximum length of an image ID or instance type. Real ones have about twenty characters, and a URL has room for
/// several.
const MAX_LENGTH: usize = 256;

/// The maximum number of quoted characters of an invalid name.
const QUOTED: usize = 40;

/// The maximum number of invalid names in a message; further ones are counted.
const NAMED: usize = 20;

/// Why `name` is not a valid image ID or instance type; any other text is valid.
pub(super) fn problem(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some("empty");
    }
    if name.len() > MAX_LENGTH && name.chars().count() > MAX_LENGTH {
        return Some("longer than 256 characters");
    }
    name.chars().find_map(|c| match c {
        '*' => Some("an asterisk, as in a masked value"),
        c if c.is_ascii_graphic() => None,
        c if c.is_whitespace() => Some("white space"),
        c if c.is_control() => Some("a control character"),
        c if is_invisible(c) => Some("an invisible character, such as a byte order mark"),
        _ => None,
    })
}

/// `name` in quotes, short and with its control characters escaped.
pub(super) fn quoted(name: &str) -> String {
    let shown: String = name.chars().take(QUOTED).collect();
    let more = if shown.len() < name.len() { "…" } else { "" };
    format!("{shown:?}{more}")
}

/// Invalid names, each quoted with its problem.
pub(super) fn quoted_list(wrong: impl IntoIterator<Item = (String, &'static str)>) -> String {
    let wrong: Vec<String> = wrong.into_iter().map(|(name, problem)| format!("{name} ({problem})")).collect();
    listed(&wrong, NAMED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_errors_are_not_valid_names() {
        for good in ["img-m5s0abcd29", "g.n2.large", "镜像", "-", "a/b?c=d&e#f%20"] {
            assert_eq!(problem(good), None, "{good}");
        }
        for (bad, why) in [
            ("", "empty"),
            (" img-a", "white space"),
            ("img-a\n", "white space"),
            ("img-a\u{a0}", "white space"),
            ("img\u{0}a", "a control character"),
            ("\u{feff}img-a", "an invisible character, such as a byte order mark"),
            ("img-a\u{61c}", "an invisible character, such as a byte order mark"),
            ("g.n4.large\u{200b}", "an invisible character, such as a byte order mark"),
            ("g.n4.large\u{fe0f}", "an invisible character, such as a byte order mark"),
            ("img-a\u{e0041}", "an invisible character, such as a byte order mark"),
            ("img-m5s0****29", "an asterisk, as in a masked value"),
            (&"a".repeat(257), "longer than 256 characters"),
            (&"a".repeat(66_000), "longer than 256 characters"),
        ] {
            assert_eq!(problem(bad), Some(why), "{bad}");
            assert!(quoted(bad).len() < 60 && !quoted(bad).contains(char::is_control), "{bad}");
        }
    }
}
