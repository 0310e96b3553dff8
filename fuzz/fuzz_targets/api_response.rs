//! Any bytes as JD Cloud's answer: rows or an error, and no part of a secret in it. The first bytes are the status, how it
//! was asked, and the length of a header that follows; bytes that no UTF-8 has stand for echoes of the secrets.
#![no_main]

use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use libfuzzer_sys::fuzz_target;
use terraform_provider_jdcloud::jdcloud::{
    Argument, Client, Environment, ImageSelection, RawResponse, Settings, SignedRequest, Transport, TransportError,
};

struct Scripted(RawResponse);

#[async_trait]
impl Transport for Scripted {
    async fn send(&self, _: SignedRequest) -> Result<RawResponse, TransportError> {
        Ok(self.0.clone())
    }
}

static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().start_paused(true).build().expect("a runtime")
});

const STATUSES: [u16; 16] = [200, 200, 200, 200, 200, 200, 204, 301, 400, 401, 403, 404, 413, 429, 500, 503];
const HEADERS: [&str; 4] = ["location", "content-type", "x-jdcloud-request-id", "retry-after"];

const SECRET_KEY: &str = "qSecretKeyOfFuzzing7Zx9W";
const TOKEN: &str = "qTok/en+of=the\"Fuzz\\ing%41&7";
const TOKEN_BASE64: &str = "cVRvay9lbitvZj10aGUiRnV6elxpbmclNDEmNw==";
/// As many consecutive characters of a secret are never shown.
const WINDOW: usize = 8;

/// What a byte that no UTF-8 has stands for.
fn echo(byte: u8) -> Option<String> {
    let each = |form: fn(u8) -> String| TOKEN.bytes().map(form).collect();
    Some(match byte {
        0xf5 => SECRET_KEY.to_owned(),
        0xf6 => TOKEN.to_owned(),
        0xf7 => TOKEN_BASE64.to_owned(),
        0xf8 => each(|byte| format!("\\u{byte:04x}")),
        0xf9 => each(|byte| format!("%{byte:02X}")),
        0xfa => each(|byte| format!("&#{byte};")),
        0xfb => TOKEN[..12].to_owned(),
        0xfc => TOKEN[12..].to_owned(),
        0xfd => TOKEN.replace('\\', "\\\\").replace('"', "\\\"").replace('/', "\\/"),
        0xfe => TOKEN_BASE64.replace('=', "%3d"),
        _ => return None,
    })
}

fn with_echoes(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| echo(*byte).map_or_else(|| vec![*byte], String::into_bytes)).collect()
}

fuzz_target!(|input: &[u8]| {
    let Some(([status, how, header], rest)) = input.split_first_chunk::<3>() else { return };
    let status = STATUSES[usize::from(*status) % STATUSES.len()];
    let (value, body) = rest.split_at(rest.len().min(usize::from(header >> 2)));
    let mut response = RawResponse { status, body: with_echoes(body), ..RawResponse::default() };
    if let Ok(value) = http::HeaderValue::from_bytes(&with_echoes(value)) {
        response.headers.insert(HEADERS[usize::from(header & 3)], value);
    }
    let settings = Settings {
        access_key: Argument::Known("AK".into()),
        secret_key: Argument::Known(SECRET_KEY.into()),
        security_token: Argument::Known(TOKEN.into()),
        region: Argument::Known("cn-north-1".to_owned()),
        max_retries: Argument::Known(u32::from(how >> 7)),
        ..Settings::default()
    };
    let environment = Environment::new::<String, String>([], None);
    let client = Client::with_transport(settings, environment, Arc::new(Scripted(response)));
    let asked: Vec<String> = (0..how % 4).map(|number| format!("img-{number}")).collect();
    let wanted =
        if asked.is_empty() { ImageSelection::All } else { ImageSelection::Named(asked.iter().cloned().collect()) };
    match RUNTIME.block_on(client.image_constraints(None, wanted)) {
        Ok(answer) => {
            assert_eq!(status, 200, "only a 200 passes a rule");
            assert!(answer.images.is_sorted_by(|a, b| a.id < b.id));
            if !asked.is_empty() {
                // Each id that was asked for is there or missing, and nothing else is.
                let told = answer.images.iter().map(|image| &image.id).chain(&answer.missing);
                let mut told: Vec<&str> = told.map(|id| &**id).collect();
                told.sort_unstable();
                assert_eq!(told, asked);
            }
        }
        Err(error) => {
            let text = error.to_string();
            assert!(!text.is_empty() && !text.contains(|c: char| c.is_control()), "{text:?}");
            for secret in [SECRET_KEY, TOKEN, TOKEN_BASE64] {
                for at in 0..=secret.len() - WINDOW {
                    assert!(!text.contains(&secret[at..at + WINDOW]), "{text}");
                }
            }
        }
    }
});
