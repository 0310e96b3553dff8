//! Text from the network, a file or the environment that is safe to show in a diagnostic or a log.
//!
//! A [`Redactor`] has the secrets of a connection and is the only way to make an [`UntrustedText`] of a text from outside: control characters are escaped, the length is bounded, and secrets are replaced by `***`.
//!
//! No eight consecutive characters of a secret are shown, so a secret that is cut, or split over two texts, is hidden
//! as well: at most seven characters of it remain on each side of a cut. Secrets are found as they are, in
//! base64 and base64url (at any offset in a longer encoded text), and through up to two layers of percent-encoding,
//! JSON or hexadecimal string escapes, and HTML entities.
//!
//! A secret of fewer than four characters, or of asterisks only (as CI systems write a masked value), is not replaced: it
//! is not a real secret, and replacing it would make texts unreadable.

use std::fmt;
use std::ops::Range;
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
        let mut masked = vec![false; read.len()];
        if !self.windows.is_empty() || !self.short.is_empty() {
            let bytes = read.bytes().enumerate();
            let units: Vec<Unit> = bytes.map(|(at, byte)| Unit { byte, from: at, to: at + 1 }).collect();
            self.mask(&units, LAYERS, &mut masked);
        }
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

    /// Marks the bytes that `units` were decoded from where they spell a secret, in this and in further `layers`.
    fn mask(&self, units: &[Unit], layers: usize, masked: &mut [bool]) {
        let mut hide = |units: &[Unit]| {
            if let [first, .., last] = units {
                masked[first.from..last.to].fill(true);
            }
        };
        let mut window = 0;
        for (at, unit) in (1..).zip(units) {
            window = window << u8::BITS | u64::from(unit.byte);
            if at >= WINDOW && self.windows.contains(&window) {
                hide(&units[at - WINDOW..at]);
            }
            for form in &self.short {
                let spelt = at.checked_sub(form.len()).map(|from| &units[from..at]);
                if let Some(spelt) =
                    spelt.filter(|units| units.iter().map(|unit| unit.byte).eq(form.iter().copied()))
                {
                    hide(spelt);
                }
            }
        }
        if layers > 0 {
            for decode in [percent, string_escape, entity] {
                if let Some(decoded) = decoded(units, decode) {
                    self.mask(&decoded, layers - 1, masked);
                }
            }
        }
    }
}

/// Whether a terminal would interpret `c` instead of showing it, or show it elsewhere.
fn is_dangerous(c: char) -> bool {
    // Characters that change the direction of writing, have no width, or end a line.
    let is_invisible = matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    c.is_control() || is_invisible
}

/// A byte of a text, and the bytes that it was decoded from.
#[derive(Clone, Copy)]
struct Unit {
    byte: u8,
    from: usize,
    to: usize,
}

/// The byte that an escape at the beginning of the units stands for, and how many units the escape has.
type Decode = fn(&[Unit]) -> Option<(u8, usize)>;

/// `units` with every escape decoded by `decode`; `None` if there is no escape.
fn decoded(units: &[Unit], decode: Decode) -> Option<Vec<Unit>> {
    let mut decoded = Vec::with_capacity(units.len());
    let mut rest = units;
    while let [first, others @ ..] = rest {
        match decode(rest) {
            Some((byte, length)) => {
                decoded.push(Unit { byte, from: first.from, to: rest[length - 1].to });
                rest = &rest[length..];
            }
            None => {
                decoded.push(*first);
                rest = others;
            }
        }
    }
    (decoded.len() < units.len()).then_some(decoded)
}

/// `%2F`.
fn percent(units: &[Unit]) -> Option<(u8, usize)> {
    let value = (units.first()?.byte == b'%').then(|| number(units, 1..3, 16))??;
    Some((value, 3))
}

/// `\/`, `\"`, `\\`, `\u002f` and `\x2f`.
fn string_escape(units: &[Unit]) -> Option<(u8, usize)> {
    let [Unit { byte: b'\\', .. }, escaped, ..] = units else { return None };
    match escaped.byte {
        b'u' => Some((number(units, 2..6, 16)?, 6)),
        b'x' => Some((number(units, 2..4, 16)?, 4)),
        byte @ (b'/' | b'"' | b'\'' | b'\\') => Some((byte, 2)),
        _ => None,
    }
}

/// `&amp;`, `&#47;` and `&#x2F;`.
fn entity(units: &[Unit]) -> Option<(u8, usize)> {
    // Entities longer than `&#x0000002F;` are not decoded.
    let end =
        (units.first()?.byte == b'&').then(|| units.iter().take(12).position(|unit| unit.byte == b';'))??;
    let name: Vec<u8> = units[1..end].iter().map(|unit| unit.byte).collect();
    let byte = match &name[..] {
        b"amp" => b'&',
        b"lt" => b'<',
        b"gt" => b'>',
        b"quot" => b'"',
        b"apos" => b'\'',
        [b'#', b'x' | b'X', ..] => number(units, 3..end, 16)?,
        [b'#', ..] => number(units, 2..end, 10)?,
        _ => return None,
    };
    Some((byte, end + 1))
}

/// The number that the units in `range` spell, if it fits a byte.
fn number(units: &[Unit], range: Range<usize>, radix: u32) -> Option<u8> {
    let digits = units.get(range).filter(|digits| !digits.is_empty())?;
    let value = digits.iter().try_fold(0, |value: u32, unit| {
        value.checked_mul(radix)?.checked_add(char::from(unit.byte).to_digit(radix)?)
    })?;
    value.try_into().ok()
}

#[cfg(test)]
mod tests;
