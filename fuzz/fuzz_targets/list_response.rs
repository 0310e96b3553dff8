//! Parses arbitrary bytes as JD Cloud's response with a list: only requested rows, or an error. The first bytes select the
//! status and the request.
#![no_main]

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use libfuzzer_sys::fuzz_target;
use terraform_provider_jdcloud::jdcloud::images::Query;
use terraform_provider_jdcloud::jdcloud::{
    Argument, Client, Environment, Error, RawResponse, Settings, SignedRequest, Transport, TransportError,
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

const STATUSES: [u16; 8] = [200, 200, 200, 200, 200, 401, 403, 503];
const SECRET_KEY: &str = "qSecretKeyOfFuzzing7Zx9W";

fuzz_target!(|input: &[u8]| {
    let Some(([status, how], body)) = input.split_first_chunk::<2>() else { return };
    let status = STATUSES[usize::from(*status) % STATUSES.len()];
    // A byte that is not valid in UTF-8 stands for the secret.
    let with_secret = |byte: &u8| if *byte == 0xf5 { SECRET_KEY.as_bytes().to_vec() } else { vec![*byte] };
    let body: Vec<u8> = body.iter().flat_map(with_secret).collect();
    let response = RawResponse { status, body: body.into(), ..RawResponse::default() };
    let settings = Settings {
        access_key: Argument::Known("AK".into()),
        secret_key: Argument::Known(SECRET_KEY.into()),
        region: Argument::Known("cn-north-1".to_owned()),
        max_retries: Argument::Known(0),
        ..Settings::default()
    };
    let environment = Environment::new::<String, String>([], None);
    let client = Client::with_transport(settings, environment, Arc::new(Scripted(response)));
    let requested: BTreeSet<Arc<str>> = (0..how % 4).map(|number| format!("a{number}").into()).collect();
    let named = !requested.is_empty();
    let ids: Result<Vec<String>, Error> = RUNTIME.block_on(async {
        let started = tokio::time::Instant::now();
        if how & 4 == 0 {
            let types = client.instance_types(None, named.then_some(&requested), started).await?;
            Ok(types.rows.iter().map(|one| one.name.to_string()).collect())
        } else {
            let query = if named { Query::Ids(requested.clone()) } else { public() };
            let images = client.images(None, &query, started).await?;
            assert!(images.rows.iter().all(|image| named || image.source.as_deref() != Some("community")));
            Ok(images.rows.iter().map(|image| image.id.to_string()).collect())
        }
    });
    match ids {
        Ok(ids) => {
            assert_eq!(status, 200, "only a response with status 200 is a list");
            let unique: BTreeSet<&String> = ids.iter().collect();
            assert!(how & 4 == 0 || unique.len() == ids.len(), "duplicate rows");
            assert!(!named || unique.iter().all(|id| requested.contains(id.as_str())), "a row that was not requested");
        }
        Err(error) => {
            let text = error.to_string();
            assert!(!text.is_empty() && !text.contains(|c: char| c.is_control()), "{text:?}");
            assert!(!text.contains(&SECRET_KEY[..8]) && !text.contains(&SECRET_KEY[8..]), "{text}");
        }
    }
});

fn public() -> Query {
    Query::Source { source: "public".into(), status: "ready".into(), offline: false }
}
