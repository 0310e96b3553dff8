//! Any bytes as JD Cloud's answer: rows or an error. The first two bytes are its status and how it was asked.
#![no_main]

use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use libfuzzer_sys::fuzz_target;
use terraform_provider_jdcloud::jdcloud::{
    Argument, Client, Environment, RawResponse, Settings, SignedRequest, Transport, TransportError, ImageSelection,
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

fuzz_target!(|input: &[u8]| {
    let Some(([status, how], body)) = input.split_first_chunk::<2>() else { return };
    let status = STATUSES[usize::from(*status) % STATUSES.len()];
    let response = RawResponse { status, body: body.to_vec(), ..RawResponse::default() };
    let settings = Settings {
        access_key: Argument::Known("AK".into()),
        secret_key: Argument::Known("SK".into()),
        region: Argument::Known("cn-north-1".to_owned()),
        max_retries: Argument::Known(u32::from(how >> 7)),
        ..Settings::default()
    };
    let environment = Environment::new::<String, String>([], None);
    let client = Client::with_transport(settings, environment, Arc::new(Scripted(response)));
    let asked: Vec<String> = (0..how % 4).map(|number| format!("img-{number}")).collect();
    let wanted = if asked.is_empty() { ImageSelection::All } else { ImageSelection::Named(asked.iter().cloned().collect()) };
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
            assert!(!text.is_empty() && !text.contains("SK"), "{text}");
        }
    }
});
