//! Percent-encoding as the signing rules want it: RFC 3986, upper-case hex, `~` bare.

use std::fmt::Write as _;

/// What a plus sign means where the text came from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plus {
    /// A path: a plus is a plus.
    Literal,
    /// A query: a plus is a space.
    Space,
}

/// Decodes `%XX`; a malformed escape stays as it is, and its percent sign will be encoded again.
pub(crate) fn decode(text: &str, plus: Plus) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escaped = (byte == b'%').then(|| bytes.get(at + 1..at + 3)).flatten().and_then(hex_pair);
        at += if escaped.is_some() { 3 } else { 1 };
        decoded.push(match escaped {
            Some(value) => value,
            None if byte == b'+' && plus == Plus::Space => b' ',
            None => byte,
        });
    }
    decoded
}

fn hex_pair(pair: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok());
    Some(digit(pair[0])? << 4 | digit(pair[1])?)
}

/// Encodes all but the unreserved characters of RFC 3986 and those in `also_kept`.
pub(crate) fn encode(bytes: &[u8], also_kept: &[u8]) -> String {
    let mut encoded = String::with_capacity(bytes.len());
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || also_kept.contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::{Plus, decode, encode};

    #[test]
    fn an_id_in_any_script_is_read_as_it_was_meant() {
        assert_eq!(decode("%E9%95%9C%e5%83%8f-1", Plus::Space), "镜像-1".as_bytes());
        assert_eq!(decode("a+b%2B", Plus::Space), b"a b+");
        assert_eq!(decode("a+b", Plus::Literal), b"a+b");
    }

    #[test]
    fn a_malformed_escape_is_kept_and_encoded_again() {
        for text in ["%", "%4", "%zz", "100%"] {
            assert_eq!(decode(text, Plus::Space), text.as_bytes());
        }
        assert_eq!(encode(b"100%", b""), "100%25");
    }

    #[test]
    fn only_unreserved_characters_stay_bare() {
        assert_eq!(encode(b"A-._~*/: ", b""), "A-._~%2A%2F%3A%20");
        assert_eq!(encode(b"/v1/x:y", b"/"), "/v1/x%3Ay");
    }
}
