//! Parses arbitrary bytes as JD Cloud's response: rows, or an error without a part of a secret. The first bytes select the
//! status, the request, and the length of a header that follows; bytes that are not valid in UTF-8 stand for the secrets.
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
/// The number of consecutive characters of a secret that are not shown.
const WINDOW: usize = 8;

/// The form of a secret for a byte that is not valid in UTF-8.
fn secret_form(byte: u8) -> Option<String> {
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

fn with_secrets(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| secret_form(*byte).map_or_else(|| vec![*byte], String::into_bytes)).collect()
}

fuzz_target!(|input: &[u8]| {
    let Some(([status, how, header], rest)) = input.split_first_chunk::<3>() else { return };
    let status = STATUSES[usize::from(*status) % STATUSES.len()];
    let (value, body) = rest.split_at(rest.len().min(usize::from(header >> 2)));
    let mut response = RawResponse { status, body: with_secrets(body), ..RawResponse::default() };
    if let Ok(value) = http::HeaderValue::from_bytes(&with_secrets(value)) {
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
    let requested: Vec<String> = (0..how % 4).map(|number| format!("img-{number}")).collect();
    let selection =
        if requested.is_empty() { ImageSelection::All } else { ImageSelection::Named(requested.iter().map(|id| id.as_str().into()).collect()) };
    match RUNTIME.block_on(client.image_constraints(None, selection)) {
        Ok(answer) => {
            assert_eq!(status, 200, "only a response with status 200 has rows");
            assert!(answer.images.is_sorted_by(|a, b| a.id < b.id));
            if !requested.is_empty() {
                // Each requested id is returned or missing, and there are no others.
                let found = answer.images.iter().map(|image| &image.id).chain(&answer.missing);
                let mut found: Vec<&str> = found.map(|id| &**id).collect();
                found.sort_unstable();
                assert_eq!(found, requested);
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
