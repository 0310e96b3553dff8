//! Parses arbitrary bytes as the JD Cloud CLI's file: a region, or an error that does not quote the file, which may contain keys.
#![no_main]

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use libfuzzer_sys::fuzz_target;
use terraform_provider_jdcloud::jdcloud::{
    Argument, Client, Environment, RawResponse, Settings, SignedRequest, Transport, TransportError, ImageSelection,
};

struct NoTransport;

#[async_trait]
impl Transport for NoTransport {
    async fn send(&self, _: SignedRequest) -> Result<RawResponse, TransportError> {
        Err(TransportError::TooLarge { limit: 0 })
    }
}

static FILE: LazyLock<PathBuf> = LazyLock::new(|| {
    let memory = PathBuf::from("/dev/shm");
    let dir = if memory.is_dir() { memory } else { std::env::temp_dir() };
    dir.join(format!("fuzz-config-{}", std::process::id()))
});

static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().start_paused(true).build().expect("a runtime")
});

const SECRET: &str = "q7Zx9W";

/// Whether the secret is the value of a setting that is not secret, which errors quote.
fn is_misplaced(text: &str) -> bool {
    text.to_lowercase()
        .lines()
        .filter(|line| line.contains(&SECRET.to_lowercase()))
        .any(|line| ["region_id", "endpoint", "scheme"].iter().any(|key| line.contains(key)))
}

fuzz_target!(|input: &[u8]| {
    std::fs::write(&*FILE, input).expect("a file");
    for profile in ["default", "prod"] {
        let settings = Settings {
            config_file: Argument::Known(FILE.display().to_string()),
            profile: Argument::Known(profile.to_owned()),
            max_retries: Argument::Known(0),
            ..Settings::default()
        };
        let client =
            Client::with_transport(settings, Environment::new::<String, String>([], None), Arc::new(NoTransport));
        let _ = RUNTIME.block_on(client.region(None));
        let selection = ImageSelection::Named(["img-a".into()].into());
        if let Err(error) = RUNTIME.block_on(client.image_constraints(Some("cn-north-1"), selection)) {
            let text = format!("{error} {error:?} {client:?}");
            let shown = text.contains(SECRET) && !is_misplaced(&String::from_utf8_lossy(input));
            assert!(!shown, "{text}");
        }
    }
});
