use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestCaseError;

use super::*;

fn redactor(secrets: &[&str]) -> Redactor {
    let mut redactor = Redactor::default();
    secrets.iter().for_each(|secret| redactor.add(secret));
    redactor
}

/// A repeating sequence of random choices.
#[derive(Debug, Clone)]
struct Choices(Vec<u8>);

impl Choices {
    fn at(&self, position: usize) -> u8 {
        self.0[position % self.0.len()]
    }
}

fn choices() -> impl Strategy<Value = Choices> {
    vec(any::<u8>(), 1..40).prop_map(Choices)
}

/// How a text is written inside another.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Encoding {
    Json,
    Percent,
    Entities,
    Hexadecimal,
}

impl Encoding {
    /// `text` so encoded, each character in one of the forms that are legal for it.
    fn encode(self, text: &str, choices: &Choices) -> String {
        let encoded = text.char_indices().map(|(at, c)| self.encode_char(c, choices.at(at)));
        encoded.collect()
    }

    fn encode_char(self, c: char, choice: u8) -> String {
        let code = u32::from(c);
        match (self, choice % 4, c) {
            (Self::Json, 0, _) => format!("\\u{code:04x}"),
            (Self::Json, 1, _) => format!("\\u{code:04X}"),
            (Self::Json, _, '"' | '\\') | (Self::Json, 2, '/') => format!("\\{c}"),
            (Self::Percent, 0, _) => format!("%{code:02x}"),
            (Self::Percent, 1, _) => format!("%{code:02X}"),
            // A percent sign must be encoded, or what follows would be decoded.
            (Self::Percent, _, '%') => "%25".to_owned(),
            (Self::Entities, 0, _) => format!("&#{code};"),
            (Self::Entities, 1, _) => format!("&#x{code:x};"),
            (Self::Entities, 2, _) => format!("&#X{code:04X};"),
            (Self::Entities, _, '&') => "&amp;".to_owned(),
            (Self::Entities, _, '<') => "&lt;".to_owned(),
            (Self::Entities, _, '>') => "&gt;".to_owned(),
            (Self::Entities, _, '"') => "&quot;".to_owned(),
            (Self::Entities, _, '\'') => "&apos;".to_owned(),
            (Self::Hexadecimal, 0 | 1, _) => format!("\\x{code:02x}"),
            (Self::Hexadecimal, _, '\\') => "\\\\".to_owned(),
            _ => c.to_string(),
        }
    }
}

fn encodings() -> impl Strategy<Value = Vec<Encoding>> {
    let encoding = prop_oneof![
        Just(Encoding::Json),
        Just(Encoding::Percent),
        Just(Encoding::Entities),
        Just(Encoding::Hexadecimal)
    ];
    vec(encoding, 0..=LAYERS)
}

/// How the secret itself is written.
#[derive(Debug, Clone, Copy)]
enum Form {
    Plain,
    Base64,
    Base64Url,
    Base64UrlUnpadded,
    /// In base64 together with what stands before and after it.
    InBase64,
}

fn form() -> impl Strategy<Value = Form> {
    prop_oneof![
        Just(Form::Plain),
        Just(Form::Base64),
        Just(Form::Base64Url),
        Just(Form::Base64UrlUnpadded),
        Just(Form::InBase64)
    ]
}

impl Form {
    fn write(self, before: &str, secret: &str, after: &str) -> String {
        match self {
            Self::Plain => secret.to_owned(),
            Self::Base64 => STANDARD.encode(secret),
            Self::Base64Url => URL_SAFE.encode(secret),
            Self::Base64UrlUnpadded => URL_SAFE_NO_PAD.encode(secret),
            Self::InBase64 => STANDARD.encode(format!("{before}{secret}{after}")),
        }
    }
}

/// What a header can carry, as keys and tokens must be.
fn secret() -> impl Strategy<Value = String> {
    prop_oneof![
        // As JD Cloud's.
        "[0-9A-Z]{32}",
        "[!-~]{8,64}",
        // As base64 and JWTs are.
        "[A-Za-z0-9+/=._-]{16,200}",
        // What the encodings themselves use, and repetition.
        "[%25\\\\u/&#;x*a]{8,40}",
        "(ab){4,30}",
    ]
    .prop_filter("asterisks only: a masked value, which is not replaced", |secret| {
        secret.bytes().any(|b| b != b'*')
    })
}

fn noise() -> impl Strategy<Value = String> {
    prop_oneof!["[ -~]{0,60}", "\\PC{0,20}", any::<String>().prop_map(|text| text.chars().take(30).collect())]
}

/// The windows of `secret` that `shown` holds, other than those that the text around the secret had as well.
fn leaked<'a>(secret: &'a str, shown: &str, around: &[&str]) -> Vec<&'a str> {
    let windows = (0..=secret.len().saturating_sub(WINDOW)).filter_map(|at| secret.get(at..at + WINDOW));
    windows
        .filter(|window| shown.contains(window) && !around.iter().any(|text| text.contains(window)))
        .collect()
}

fn assert_hidden(
    secret: &str,
    written: &str,
    shown: &UntrustedText,
    around: &[&str],
) -> Result<(), TestCaseError> {
    let shown = shown.to_string();
    prop_assert_eq!(leaked(secret, &shown, around), Vec::<&str>::new(), "{} -> {}", written, shown);
    // Written as it was, or in base64.
    for form in [STANDARD.encode(secret), URL_SAFE.encode(secret), written.to_owned()] {
        if form.len() >= WINDOW {
            prop_assert!(!shown.contains(&form), "{} in {}", form, shown);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn a_secret_is_hidden_in_every_form_and_encoding(
        secret in secret(),
        form in form(),
        encodings in encodings(),
        choices in choices(),
        before in noise(),
        after in noise(),
    ) {
        let mut written = form.write(&before, &secret, &after);
        for encoding in &encodings {
            written = encoding.encode(&written, &choices);
        }
        let text = format!("{before}{written}{after}");
        let shown = redactor(&["qAnotherSecret", &secret]).text(&text);
        assert_hidden(&secret, &written, &shown, &[])?;
    }

    #[test]
    fn a_secret_that_is_split_over_two_texts_shows_less_than_eight_characters_of_each_part(
        secret in secret(),
        encodings in encodings(),
        choices in choices(),
        cut in any::<Index>(),
        before in noise(),
        after in noise(),
    ) {
        // Parts that are cut inside an escape would not be decoded by a reader either.
        let (first, second) = secret.split_at(cut.index(secret.len()));
        let encode = |part: &str| encodings.iter().fold(part.to_owned(), |text, encoding| encoding.encode(&text, &choices));
        let redactor = redactor(&[&secret]);
        for text in [format!("{before}{}", encode(first)), format!("{}{after}", encode(second))] {
            let shown = redactor.text(&text).to_string();
            prop_assert_eq!(leaked(&secret, &shown, &[]), Vec::<&str>::new(), "{} -> {}", text, shown);
        }
    }

    #[test]
    fn control_characters_are_never_shown_and_the_length_is_bounded(
        text in prop_oneof![any::<String>(), "[\\x00-\\x1f\\x7f-\\x9f\u{202e}\u{200b}\u{2028}a]{0,400}"],
        secret in secret(),
        max in 1..400_usize,
    ) {
        let redactor = redactor(&[&secret]);
        for shown in [redactor.beginning(&text, max).to_string(), redactor.beginning(text.repeat(20), max).to_string()] {
            prop_assert!(!shown.chars().any(is_dangerous), "{shown:?}");
            // Each character is at most as long as its escape, such as \u{10ffff}.
            prop_assert!(shown.chars().count() <= max * 10 + 1, "{shown:?}");
        }
    }

    #[test]
    fn text_without_a_secret_is_shown_as_it_is(text in "[a-z .,/%\\\\&;=+-]{0,300}", secret in "[A-Z0-9]{8,64}") {
        prop_assert_eq!(redactor(&[&secret]).text(&text).to_string(), text);
    }
}

/// `PROPTEST_CASES`, or enough for every run.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(2_000)
}

#[test]
fn secrets_are_replaced_in_the_forms_that_gateways_return() {
    let token = "qTok/en+of=the\"Test";
    let redactor = redactor(&["hunter2", token]);
    for (text, shown) in [
        (format!("x-jdcloud-security-token: {token};"), "x-jdcloud-security-token: ***;"),
        (r#"{"token":"qTok\/en+of\u003dthe\"Test"}"#.to_owned(), r#"{"token":"***"}"#),
        // JSON in JSON.
        (r#"{\"token\":\"qTok\\/en+of\\u003dthe\\\"Test\"}"#.to_owned(), r#"{\"token\":\"***\"}"#),
        ("a?t=qTok%2Fen%2bof%3Dthe%22Test&b".to_owned(), "a?t=***&b"),
        ("<p>qTok/en&#43;of&#x3D;the&quot;Test</p>".to_owned(), "<p>***</p>"),
        (format!("http://me:hunter2@proxy, {token}{token}"), "http://me:***@proxy, ***"),
        // What stands before the secret looks like the beginning of an escape.
        (r"C:\\u0071Tok/en+of=the\u0022Test".to_owned(), "C:***"),
        ("at %2%71Tok/en+of=the%22Test".to_owned(), "at %2***"),
        // Seven characters of a secret may be seen where it is cut, and no more.
        ("the beginning is qTok/en+".to_owned(), "the beginning is ***"),
        ("the beginning is qTok/en".to_owned(), "the beginning is qTok/en"),
    ] {
        assert_eq!(redactor.text(&text).to_string(), shown, "{text}");
    }
    let basic = format!("Basic {}", STANDARD.encode(format!("me:{token}")));
    let shown = redactor.text(&basic).to_string();
    // What is left is the user's name and less than a character of the secret on each side.
    assert!(shown.starts_with("Basic bWU6") && shown.contains("***") && shown.len() < 20, "{shown}");
}

#[test]
fn a_masked_secret_does_not_change_the_text() {
    for masked in ["*", "**", "***", "********", "", "a", "abc"] {
        let text = "a *** b ** abc";
        assert_eq!(redactor(&[masked]).text(text).to_string(), text, "{masked}");
    }
    // A secret that contains the mask.
    assert_eq!(redactor(&["a***"]).text("a*** a***a***").to_string(), "*** ***");
}

#[test]
fn control_sequences_are_escaped() {
    let forged = "\u{1b}[2J\u{1b}[HApply complete!\r\n\u{9b}31m\u{202e}\u{7}\u{0}";
    let shown = Redactor::default().text(forged).to_string();
    assert_eq!(shown, r"\u{1b}[2J\u{1b}[HApply complete!\r\n\u{9b}31m\u{202e}\u{7}\u{0}");
}

#[test]
fn a_secret_at_the_end_of_a_long_text_is_hidden() {
    let secret = "qSecretThatStandsAtTheCut";
    let redactor = redactor(&[secret]);
    for length in (MAX_SHOWN - 30..MAX_SHOWN + 2).chain(MAX_READ - 300..MAX_READ + 2) {
        let text = "x".repeat(length) + secret + &"y".repeat(MAX_READ);
        let shown = redactor.text(&text).to_string();
        assert!(shown.ends_with('…') && shown.chars().count() <= MAX_SHOWN + MASK.len(), "{shown}");
        assert_eq!(leaked(secret, &shown, &[]), Vec::<&str>::new());
        // The same where the text before it shrinks, so that the end of what is read is shown.
        let text = secret.repeat(length / secret.len()) + &" ".repeat(length % secret.len()) + secret + &text;
        let shown = redactor.text(&text).to_string();
        assert_eq!(leaked(secret, &shown, &[]), Vec::<&str>::new());
    }
}

#[test]
fn the_time_does_not_depend_on_the_length() {
    let secret = "ab".repeat(1000);
    let redactor = redactor(&[&secret]);
    for part in ["ab", "%61%62", "\\u0061b", "*", "\u{1b}", "&#97;b", "\\\\\\", "%25"] {
        let text = part.repeat(64 * 1024 * 1024 / part.len());
        let started = Instant::now();
        let shown = redactor.text(&text).to_string();
        let took = started.elapsed();
        assert!(took < Duration::from_secs(1), "{part}: {took:?}");
        assert!(shown.len() < 10 * MAX_SHOWN);
        eprintln!("64 MiB of {part:?}: {took:?}");
    }
}
