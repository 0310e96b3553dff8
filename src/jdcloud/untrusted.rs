//! Text from the network, a file or the environment that is safe to show in a diagnostic or a log.
//!
//! A [`Redactor`] has the secrets of a connection and makes an [`UntrustedText`] of a text from outside: control characters
//! are escaped, the length is bounded, and secrets are replaced by `***`. [`UntrustedText::without_secrets`] is for code that
//! has no connection.
//!
//! No eight consecutive characters of a secret are shown, so a secret that is cut, or split over two texts, is hidden
//! as well: at most seven characters of it remain on each side of a cut. Secrets are found as they are, in
//! base64 and base64url (at any offset in a longer encoded text), and through up to two layers of percent-encoding,
//! JSON or hexadecimal string escapes, and HTML entities.
//!
//! A secret of fewer than four characters, or of asterisks only (as CI systems write a masked value), is not replaced: it
//! is not a real secret, and replacing it would make texts unreadable.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use hashbrown::HashSet;

/// The maximum number of characters that are shown of one text.
const MAX_SHOWN: usize = 300;
/// The maximum number of bytes that are examined. Larger than [`MAX_SHOWN`], because secrets shrink to three characters.
const MAX_READ: usize = 4096;
/// The last bytes of [`MAX_READ`], which are not shown, because a secret may begin there and be cut. Larger than seven
/// characters in any recognized encoding.
const MARGIN: usize = 256;
/// The shortest part of a secret that is replaced.
const WINDOW: usize = size_of::<u64>();
/// The shortest secret that is replaced.
const SHORTEST: usize = 4;
/// The shortest base64 form that is replaced; a shorter one is found in ordinary words.
const SHORTEST_ENCODED: usize = 6;
/// The number of nested encodings that are decoded.
const LAYERS: usize = 2;
/// The replacement of a secret.
const MASK: &str = "***";

/// Text from outside that is safe to show: see the [module](self).
#[derive(Clone, PartialEq, Eq)]
pub struct UntrustedText(Arc<str>);

impl UntrustedText {
    /// `text`, safe to show, for a caller that has no secrets: nothing is replaced. Others use
    /// [`Client::untrusted`](super::Client::untrusted).
    pub fn without_secrets(text: &str) -> Self {
        Redactor::default().text(text)
    }
}

impl fmt::Display for UntrustedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for UntrustedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

/// For texts of the program itself.
impl From<&'static str> for UntrustedText {
    fn from(own: &'static str) -> Self {
        Self(own.into())
    }
}

/// The empty text.
impl Default for UntrustedText {
    fn default() -> Self {
        Self::from("")
    }
}

/// Makes [`UntrustedText`]s without the added secrets.
#[derive(Clone, Default)]
pub(crate) struct Redactor {
    /// Every [`WINDOW`] consecutive bytes of every form of every secret.
    windows: HashSet<u64>,
    /// The forms that are shorter.
    short: Vec<Vec<u8>>,
}

/// Does not show the secrets.
impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor").finish_non_exhaustive()
    }
}

impl Redactor {
    /// Adds a secret.
    pub(crate) fn add(&mut self, secret: &str) {
        if secret.len() < SHORTEST || secret.bytes().all(|byte| byte == b'*') {
            return;
        }
        self.add_form(secret.as_bytes());
        // In a longer text base64 depends on how many bytes of it come before, modulo three. The first characters
        // of a form that is shifted encode those bytes as well.
        for (before, shared) in [(0, 0), (1, 2), (2, 3)] {
            let shifted = [&[0; 2][..before], secret.as_bytes()].concat();
            for encoded in [STANDARD_NO_PAD.encode(&shifted), URL_SAFE_NO_PAD.encode(&shifted)] {
                let form = &encoded.as_bytes()[shared..];
                if form.len() >= SHORTEST_ENCODED {
                    self.add_form(form);
                }
            }
        }
    }

    fn add_form(&mut self, form: &[u8]) {
        if form.len() < WINDOW {
            self.short.push(form.to_vec());
        }
        self.windows
            .extend(form.windows(WINDOW).filter_map(|window| window.try_into().ok().map(u64::from_be_bytes)));
    }

    /// `text`, safe to show.
    pub(crate) fn text(&self, text: impl AsRef<str>) -> UntrustedText {
        self.beginning(text, MAX_SHOWN)
    }

    /// At most `max` characters of `text`, safe to show.
    pub(crate) fn beginning(&self, text: impl AsRef<str>, max: usize) -> UntrustedText {
        let text = text.as_ref();
        let read = &text[..text.floor_char_boundary(MAX_READ)];
        let shown = if read.len() < text.len() { MAX_READ - MARGIN } else { read.len() };
        let masked = self.masked(read);
        let mut safe = String::with_capacity(shown.min(2 * max));
        let mut left = max;
        let mut in_mask = false;
        for (at, c) in read.char_indices() {
            if at >= shown || left == 0 {
                safe.push('…');
                break;
            }
            if masked[at] && in_mask {
                continue;
            }
            in_mask = masked[at];
            left -= 1;
            match c {
                _ if in_mask => safe.push_str(MASK),
                c if is_dangerous(c) => safe.extend(c.escape_default()),
                c => safe.push(c),
            }
        }
        UntrustedText(safe.into())
    }

    /// `text` of the program itself, which may quote a secret: only that is replaced.
    pub(crate) fn mask_secrets(&self, text: &str) -> String {
        let masked = self.masked(text);
        let mut safe = String::with_capacity(text.len());
        let mut in_mask = false;
        for (at, c) in text.char_indices() {
            if !masked[at] {
                safe.push(c);
            } else if !in_mask {
                safe.push_str(MASK);
            }
            in_mask = masked[at];
        }
        safe
    }

    /// Which bytes of `text` spell a secret.
    fn masked(&self, text: &str) -> Vec<bool> {
        let mut masked = vec![false; text.len()];
        if !self.windows.is_empty() || !self.short.is_empty() {
            self.mask(&Reading::plain(text.as_bytes()), LAYERS, &mut masked);
        }
        masked
    }

    /// Marks the bytes of the text that spell a secret, as they are read and in further `layers`.
    fn mask(&self, reading: &Reading, layers: usize, masked: &mut [bool]) {
        let mut hide = |from: usize, length: usize| {
            if let Some((_, to)) = reading.from(from).nth(length - 1) {
                masked[from..to].fill(true);
            }
        };
        for at in 0..reading.0.len() {
            let window = reading.from(at).take(WINDOW);
            let window = window.fold(0, |window, (byte, _)| window << u8::BITS | u64::from(byte));
            if self.windows.contains(&window) {
                hide(at, WINDOW);
            }
            for form in &self.short {
                if reading.from(at).map(|(byte, _)| byte).take(form.len()).eq(form.iter().copied()) {
                    hide(at, form.len());
                }
            }
        }
        if layers > 0 {
            for decode in [percent, string_escape, entity] {
                if let Some(decoded) = reading.decoded(decode) {
                    self.mask(&decoded, layers - 1, masked);
                }
            }
        }
    }
}

/// Whether a terminal would interpret `c` instead of showing it, or show it elsewhere.
fn is_dangerous(c: char) -> bool {
    // The last two end a line.
    c.is_control() || is_invisible(c) || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Whether `c` is shown as nothing: Unicode's `Default_Ignorable_Code_Point`, and the empty Braille pattern. It gets into a name
/// with copied text, or at the beginning of a file, and would make it another name.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// How a text reads from each of its positions on: the byte that is spelt there, and the position after it. So a secret is
/// found also where it follows what looks like the beginning of an escape.
struct Reading(Vec<(u8, usize)>);

impl Reading {
    fn plain(text: &[u8]) -> Self {
        Self(text.iter().copied().zip(1..).collect())
    }

    /// The bytes from the position `at` on, each with the position after it.
    fn from(&self, at: usize) -> impl Iterator<Item = (u8, usize)> {
        std::iter::successors(self.0.get(at).copied(), |(_, next)| self.0.get(*next).copied())
    }

    /// The text with every escape decoded by `decode`; `None` if there is no escape.
    fn decoded(&self, decode: Decode) -> Option<Self> {
        let mut decoded = self.0.clone();
        let mut has_escapes = false;
        for (at, spelt) in decoded.iter_mut().enumerate() {
            let bytes: [_; LONGEST_ESCAPE] = {
                let mut bytes = self.from(at);
                std::array::from_fn(|_| bytes.next().unwrap_or_default())
            };
            if let Some((byte, length)) = decode(&bytes.map(|(byte, _)| byte)) {
                // A NUL after the end belongs to no escape.
                *spelt = (byte, bytes[length - 1].1);
                has_escapes = true;
            }
        }
        has_escapes.then_some(Self(decoded))
    }
}

/// The length of `&#x0000002F;`. Longer entities are not decoded.
const LONGEST_ESCAPE: usize = 12;

/// The byte that an escape at the beginning of the bytes stands for, and how many bytes the escape has.
type Decode = fn(&[u8; LONGEST_ESCAPE]) -> Option<(u8, usize)>;

/// `%2F`.
fn percent(bytes: &[u8; LONGEST_ESCAPE]) -> Option<(u8, usize)> {
    let value = (bytes[0] == b'%').then(|| number(&bytes[1..3], 16))??;
    Some((value, 3))
}

/// `\/`, `\"`, `\\`, `\u002f` and `\x2f`.
fn string_escape(bytes: &[u8; LONGEST_ESCAPE]) -> Option<(u8, usize)> {
    match bytes {
        [b'\\', b'u', digits @ ..] => Some((number(&digits[..4], 16)?, 6)),
        [b'\\', b'x', digits @ ..] => Some((number(&digits[..2], 16)?, 4)),
        [b'\\', byte @ (b'/' | b'"' | b'\'' | b'\\'), ..] => Some((*byte, 2)),
        _ => None,
    }
}

/// `&amp;`, `&#47;` and `&#x2F;`.
fn entity(bytes: &[u8; LONGEST_ESCAPE]) -> Option<(u8, usize)> {
    let end = (bytes[0] == b'&').then(|| bytes.iter().position(|byte| *byte == b';'))??;
    let byte = match &bytes[1..end] {
        b"amp" => b'&',
        b"lt" => b'<',
        b"gt" => b'>',
        b"quot" => b'"',
        b"apos" => b'\'',
        [b'#', b'x' | b'X', digits @ ..] => number(digits, 16)?,
        [b'#', digits @ ..] => number(digits, 10)?,
        _ => return None,
    };
    Some((byte, end + 1))
}

/// The number that the digits spell, if it fits a byte.
fn number(digits: &[u8], radix: u32) -> Option<u8> {
    if digits.is_empty() {
        return None;
    }
    let value = digits.iter().try_fold(0, |value: u32, digit| {
        value.checked_mul(radix)?.checked_add(char::from(*digit).to_digit(radix)?)
    })?;
    value.try_into().ok()
}

#[cfg(test)]
mod tests;
