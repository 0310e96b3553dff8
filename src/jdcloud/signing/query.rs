//! The query string of a request, in the one form that is both signed and sent.
//!
//! JD Cloud's gateway decodes the query, sorts it by key and value and encodes it again (RFC 3986) before it
//! checks the signature. The query is sent in that form, so that both sides sign the same text.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The RFC 3986 encoding of `text`: everything but `A-Za-z0-9-._~` becomes `%XX`.
pub(crate) fn encode(text: &str) -> Cow<'_, str> {
    encode_except(text, b"")
}

/// The length of [`encode`]'s result.
pub(crate) fn encoded_len(text: &str) -> usize {
    text.bytes().map(|byte| if is_unreserved(byte) { 1 } else { "%XX".len() }).sum()
}

/// The canonical form of a path: like [`encode`], but keeps `/`.
pub(crate) fn encode_path(path: &str) -> Cow<'_, str> {
    encode_except(path, b"/")
}

fn encode_except<'a>(text: &'a str, kept: &[u8]) -> Cow<'a, str> {
    let is_kept = |byte| is_unreserved(byte) || kept.contains(&byte);
    if text.bytes().all(is_kept) {
        return Cow::Borrowed(text);
    }
    let mut encoded = String::with_capacity(text.len() + 2 * "%XX".len());
    for byte in text.bytes() {
        if is_kept(byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    Cow::Owned(encoded)
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// The query of `pairs`, encoded and sorted by (key, value). Sorting the joined texts would give another order of `a%3D=`
/// and `a=`.
pub(crate) fn canonical_query<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut pairs: Vec<_> = pairs.into_iter().map(|(key, value)| (encode(key), encode(value))).collect();
    pairs.sort_unstable();
    let mut query = String::with_capacity(pairs.iter().map(|(key, value)| key.len() + value.len() + 2).sum());
    for (key, value) in &pairs {
        let between = if query.is_empty() { "" } else { "&" };
        query.extend([between, key, "=", value]);
    }
    query
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_characters_are_escaped() {
        for (text, encoded) in [
            ("img-A.b_c~d-9", "img-A.b_c~d-9"),
            ("a b+c*", "a%20b%2Bc%2A"),
            ("a&b=c?d#e", "a%26b%3Dc%3Fd%23e"),
            ("100%", "100%25"),
            ("镜", "%E9%95%9C"),
        ] {
            assert_eq!(encode(text), encoded);
            assert_eq!(encoded_len(text), encoded.len());
        }
        assert_eq!(encode_path("/v1/sessionToken:assumeRole"), "/v1/sessionToken%3AassumeRole");
    }

    #[test]
    fn pairs_are_sorted_by_key_then_value() {
        assert_eq!(
            canonical_query([("ids.2", "b"), ("ids.10", "j"), ("ids.1", "a")]),
            "ids.1=a&ids.10=j&ids.2=b"
        );
        // A row of JD Cloud's published conformance table.
        assert_eq!(canonical_query([("aa=", ""), ("aa", "..")]), "aa=..&aa%3D=");
    }

    /// Another implementation of JD Cloud's description, without the code above: escape all characters that are not in the
    /// list, and sort the pairs by their encoded bytes.
    fn second_implementation(pairs: &[(String, String)]) -> String {
        const KEPT: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
        let escape = |text: &str| -> String {
            let bytes = text.bytes().map(|byte| match KEPT.bytes().find(|kept| *kept == byte) {
                Some(_) => (byte as char).to_string(),
                None => format!("%{}{}", DIGITS[usize::from(byte / 16)], DIGITS[usize::from(byte % 16)]),
            });
            bytes.collect()
        };
        const DIGITS: [char; 16] =
            ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
        let mut query = String::new();
        let mut left: Vec<[String; 2]> =
            pairs.iter().map(|(key, value)| [escape(key), escape(value)]).collect();
        while let Some(smallest) = left.iter().min().cloned() {
            let place = left.iter().position(|pair| *pair == smallest).unwrap();
            left.remove(place);
            if !query.is_empty() {
                query.push('&');
            }
            query += &smallest.join("=");
        }
        query
    }

    #[test]
    fn both_implementations_give_the_same_query_for_random_pairs() {
        let mut state: u64 = 1;
        let mut below = |limit: u64| {
            // Repeatable random numbers (Knuth's MMIX generator; its high bits are the most random).
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % limit
        };
        let characters: Vec<char> = "ab1%=& +~-._*/?#\"\n\u{7f}é中\u{10ffff}".chars().collect();
        for case in 0..5_000 {
            let mut text = || -> String {
                (0..below(5)).map(|_| characters[below(characters.len() as u64) as usize]).collect()
            };
            let pairs: Vec<(String, String)> = (0..case % 6).map(|_| (text(), text())).collect();
            let borrowed = pairs.iter().map(|(key, value)| (key.as_str(), value.as_str()));
            assert_eq!(canonical_query(borrowed), second_implementation(&pairs), "{pairs:?}");
        }
    }
}
