//! JD Cloud's API in memory, for tests without HTTP. Counts calls; uses tokio's clock.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};
use tokio::time::sleep;

use super::{
    Answer, Argument, Client, Environment, Error, ImageSelection, RawResponse, Settings, SignedRequest,
    Transport, TransportError,
};

/// A request as the API received it.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) region: String,
    /// The last segment of the path.
    pub(crate) collection: String,
    /// Empty for a call without ids.
    pub(crate) ids: Vec<String>,
    /// The other parameters.
    pub(crate) query: BTreeMap<String, String>,
    /// The version of the signature.
    pub(crate) algorithm: String,
    pub(crate) url_length: usize,
    pub(crate) date: String,
    pub(crate) nonce: String,
}

/// What the API does instead of a normal response.
pub(crate) enum Instead {
    /// An error in JD Cloud's envelope.
    Refuse(u16, &'static str, String),
    /// Any response.
    Respond(RawResponse),
    /// No response.
    Break(TransportError),
    /// Never responds.
    Hang,
}

/// Decides what happens to the nth request, counted from 0.
type Script = Box<dyn Fn(usize, &Received) -> Option<Instead> + Send + Sync>;

pub(crate) struct TestApi {
    /// Image id -> the JSON of its constraint.
    images: BTreeMap<String, String>,
    latency: Box<dyn Fn(&Received) -> Duration + Send + Sync>,
    script: Script,
    received: Mutex<Vec<Received>>,
    under_way: AtomicUsize,
    most_under_way: AtomicUsize,
    resets: AtomicUsize,
}

impl TestApi {
    /// An API with `images`, each of which excludes the type `x.<id>`.
    pub(crate) fn new<'a>(images: impl IntoIterator<Item = &'a String>) -> Self {
        let constraint = |id| format!(r#"{{"constraintsType":"excludes","instanceTypes":["x.{id}"]}}"#);
        Self {
            images: images.into_iter().map(|id| (id.clone(), constraint(id))).collect(),
            latency: Box::new(|_| Duration::from_millis(50)),
            script: Box::new(|_, _| None),
            received: Mutex::default(),
            under_way: AtomicUsize::new(0),
            most_under_way: AtomicUsize::new(0),
            resets: AtomicUsize::new(0),
        }
    }

    pub(crate) fn latency(self, latency: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        self.latency_of(move |_| latency())
    }

    pub(crate) fn latency_of(self, latency: impl Fn(&Received) -> Duration + Send + Sync + 'static) -> Self {
        Self { latency: Box::new(latency), ..self }
    }

    pub(crate) fn script(
        self,
        script: impl Fn(usize, &Received) -> Option<Instead> + Send + Sync + 'static,
    ) -> Self {
        Self { script: Box::new(script), ..self }
    }

    /// A client of this API, and the API for assertions.
    pub(crate) fn client(self, adjust: impl FnOnce(&mut Settings)) -> (Arc<Client>, Arc<Self>) {
        let mut settings = Settings {
            access_key: Argument::Known("AK".into()),
            secret_key: Argument::Known("SK".into()),
            region: Argument::Known("cn-north-1".to_owned()),
            ..Settings::default()
        };
        adjust(&mut settings);
        let api = Arc::new(self);
        let transport: Arc<dyn Transport> = Arc::<Self>::clone(&api);
        (Arc::new(Client::with_transport(settings, Environment::default(), transport)), api)
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    pub(crate) fn calls(&self) -> usize {
        self.received.lock().unwrap().len()
    }

    pub(crate) fn calls_in(&self, region: &str) -> usize {
        self.received().iter().filter(|received| received.region == region).count()
    }

    /// The requests in progress.
    pub(crate) fn under_way(&self) -> usize {
        self.under_way.load(Ordering::Relaxed)
    }

    pub(crate) fn most_under_way(&self) -> usize {
        self.most_under_way.load(Ordering::Relaxed)
    }

    /// How often new connections were demanded.
    pub(crate) fn resets(&self) -> usize {
        self.resets.load(Ordering::Relaxed)
    }

    fn answer(&self, ids: &[String]) -> RawResponse {
        let all: Vec<&String> = self.images.keys().collect();
        let ids = if ids.is_empty() { all } else { ids.iter().collect() };
        rows(ids.into_iter().filter_map(|id| Some((id.as_str(), self.images.get(id)?.as_str()))))
    }
}

#[async_trait]
impl Transport for TestApi {
    async fn send(&self, request: SignedRequest) -> Result<RawResponse, TransportError> {
        let header = |name: &str| request.headers[name].to_str().unwrap().to_owned();
        let (mut ids, mut query) = (Vec::<(usize, String)>::new(), BTreeMap::new());
        for (key, value) in request.url.query_pairs() {
            match key.strip_prefix("ids.") {
                Some(number) => ids.push((number.parse().unwrap(), value.into_owned())),
                None => {
                    query.insert(key.into_owned(), value.into_owned());
                }
            }
        }
        ids.sort_unstable();
        assert!(
            ids.iter().enumerate().all(|(i, (n, _))| *n == i + 1),
            "ids are numbered from 1 without gaps"
        );
        let segment = |n: usize| request.url.path().split('/').nth(n).unwrap().to_owned();
        let received = Received {
            region: segment(3),
            collection: segment(4),
            query,
            algorithm: header("authorization").split(' ').next().unwrap().to_owned(),
            ids: ids.into_iter().map(|(_, id)| id).collect(),
            url_length: request.url.as_str().len(),
            date: header("x-jdcloud-date"),
            nonce: header("x-jdcloud-nonce"),
        };
        let number = {
            let mut all = self.received.lock().unwrap();
            all.push(received.clone());
            all.len() - 1
        };
        let _under_way = UnderWay::begin(self);
        sleep((self.latency)(&received)).await;
        match (self.script)(number, &received) {
            None => Ok(self.answer(&received.ids)),
            Some(Instead::Respond(response)) => Ok(response),
            Some(Instead::Break(error)) => Err(error),
            Some(Instead::Hang) => std::future::pending().await,
            Some(Instead::Refuse(code, status, message)) => Ok(refusal(code, status, &message)),
        }
    }

    fn reset(&self) {
        self.resets.fetch_add(1, Ordering::Relaxed);
    }
}

struct UnderWay<'a>(&'a TestApi);

impl<'a> UnderWay<'a> {
    fn begin(api: &'a TestApi) -> Self {
        let now = 1 + api.under_way.fetch_add(1, Ordering::Relaxed);
        api.most_under_way.fetch_max(now, Ordering::Relaxed);
        Self(api)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A response with a row for each image and the JSON of its constraint.
pub(crate) fn rows<'a>(images: impl IntoIterator<Item = (&'a str, &'a str)>) -> RawResponse {
    let row =
        |(id, constraint)| format!(r#"{{"imageId":"{id}","imageInstanceTypeConstraint":{constraint}}}"#);
    let rows: Vec<String> = images.into_iter().map(row).collect();
    let body = format!(r#"{{"requestId":"r","result":{{"imageConstraints":[{}]}}}}"#, rows.join(","));
    response(200, &[], &body)
}

/// An error in JD Cloud's envelope.
pub(crate) fn refusal(code: u16, status: &str, message: &str) -> RawResponse {
    let error = format!(r#"{{"code":{code},"status":"{status}","message":"{message}"}}"#);
    response(code, &[], &format!(r#"{{"requestId":"r","error":{error}}}"#))
}

pub(crate) fn response(status: u16, headers: &[(&'static str, &str)], body: &str) -> RawResponse {
    let header = |(name, value): &(&'static str, &str)| {
        (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
    };
    RawResponse { status, headers: headers.iter().map(header).collect::<HeaderMap>(), body: body.into() }
}

/// `count` ids.
pub(crate) fn ids(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("img-{n:05}")).collect()
}

/// A read of `ids`.
pub(crate) async fn read<'a>(
    client: &Client,
    ids: impl IntoIterator<Item = &'a String>,
) -> Result<Answer, Error> {
    let ids = ids.into_iter().map(|id| id.as_str().into()).collect();
    client.image_constraints(None, ImageSelection::Named(ids)).await
}

/// The ids of the images in `answer`.
pub(crate) fn returned(answer: &Answer) -> Vec<&str> {
    answer.images.iter().map(|image| &*image.id).collect()
}

/// The failure of a call.
pub(crate) fn failed(result: Result<Answer, Error>) -> super::CallError {
    match result {
        Err(Error::Call(error)) => (*error).clone(),
        other => panic!("expected a failed call, got {other:?}"),
    }
}
