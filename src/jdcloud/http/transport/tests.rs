//! The HTTP client on real sockets.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Once};
use std::time::Duration;

use base64::Engine as _;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt as _};

use super::*;
use crate::jdcloud::test_api::{failed, ids, read};
use crate::jdcloud::{Argument, CallError, Client, Error, Failure, Settings, SettingsError};

const NO_ROWS: &str = r#"{"requestId":"r","result":{"imageConstraints":[]}}"#;

/// What a server received.
#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    heads: Mutex<Vec<String>>,
}

impl Seen {
    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

/// An HTTP/1.1 server that sends these bytes for every request, and closes the connection if they contain
/// `Connection: close`.
async fn serve(response: impl Into<Vec<u8>>, tls: Option<rustls::ServerConfig>) -> (SocketAddr, Arc<Seen>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Arc::new(Seen::default());
    let (response, shared) = (Arc::new(response.into()), Arc::clone(&seen));
    let tls = tls.map(|config| TlsAcceptor::from(Arc::new(config)));
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            shared.connections.fetch_add(1, Ordering::Relaxed);
            let (response, seen, tls) = (Arc::clone(&response), Arc::clone(&shared), tls.clone());
            tokio::spawn(async move {
                match tls {
                    None => serve_connection(stream, &response, &seen).await,
                    Some(tls) => {
                        if let Ok(stream) = tls.accept(stream).await {
                            serve_connection(stream, &response, &seen).await;
                        }
                    }
                }
            });
        }
    });
    (address, seen)
}

async fn serve_connection(mut stream: impl AsyncRead + AsyncWrite + Unpin, response: &[u8], seen: &Seen) {
    let mut received = Vec::new();
    while stream.read_buf(&mut received).await.is_ok_and(|read| read > 0) {
        if received.ends_with(b"\r\n\r\n") {
            seen.heads.lock().unwrap().push(String::from_utf8(std::mem::take(&mut received)).unwrap());
            let _ = stream.write_all(response).await;
            let _ = stream.flush().await;
            if response.windows(17).any(|words| words == b"Connection: close") {
                return;
            }
        }
    }
}

fn http(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    [format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{headers}\r\n").as_bytes(), body].concat()
}

fn settings(endpoint: impl Into<String>) -> Settings {
    Settings {
        access_key: Argument::Known("AK".into()),
        secret_key: Argument::Known("SK".into()),
        region: Argument::Known("cn-north-1".to_owned()),
        vm_endpoint: Argument::Known(endpoint.into()),
        max_retries: Argument::Known(0),
        ..Settings::default()
    }
}

fn client(endpoint: impl Into<String>) -> Client {
    Client::new(settings(endpoint), Environment::default(), "tests/1")
}

async fn failure(client: &Client) -> CallError {
    failed(read(client, &ids(1)).await)
}

#[tokio::test]
async fn requests_are_sent_as_signed_and_share_a_connection() {
    let (address, seen) = serve(http("200 OK", "", NO_ROWS.as_bytes()), None).await;
    let client = client(format!("http://{address}"));
    for id in ["镜像 *&=", "b", "c", "d"] {
        assert_eq!(read(&client, &[id.to_owned()]).await.unwrap().missing, [id.into()]);
    }
    assert_eq!(seen.connections.load(Ordering::Relaxed), 1);
    let head = &seen.heads()[0];
    let target = "/v1/regions/cn-north-1/imageConstraints?ids.1=%E9%95%9C%E5%83%8F%20%2A%26%3D";
    assert!(head.starts_with(&format!("GET {target} HTTP/1.1\r\n")), "{head}");
    for line in [
        format!("host: {address}"),
        "user-agent: tests/1".into(),
        "content-type: application/json".into(),
        "accept-encoding: gzip".into(),
    ] {
        assert!(head.contains(&format!("{line}\r\n")), "{line} in {head}");
    }
    assert!(head.contains("authorization: JDCLOUD2-HMAC-SHA256 Credential=AK/"));
}

#[tokio::test]
async fn responses_may_be_compressed() {
    // gzip of {"requestId":"zipped"}
    let zipped = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xab\x56\x2a\x4a\x2d\x2c\x4d\x2d\x2e\xf1\x4c\x51\xb2\x52\xaa\xca\x2c\x28\x48\x4d\x51\xaa\x05\x00\xc4\x07\xec\xf6\x16\x00\x00\x00";
    let (address, _) = serve(http("200 OK", "Content-Encoding: gzip\r\n", zipped), None).await;
    assert!(read(&client(format!("http://{address}")), &ids(1)).await.is_ok());
}

#[tokio::test]
async fn the_size_of_responses_is_limited_after_decompression() {
    let limit = Failure::Transport(TransportError::TooLarge { limit: MAX_BODY });
    let long = http("200 OK", "", &vec![b' '; MAX_BODY + 1]);
    let (address, _) = serve(long, None).await;
    assert_eq!(failure(&client(format!("http://{address}"))).await.failure, limit);

    let bomb = zip_bomb(MAX_BODY + 1);
    assert!(bomb.len() < 500_000);
    let (address, _) = serve(http("200 OK", "Content-Encoding: gzip\r\n", &bomb), None).await;
    assert_eq!(failure(&client(format!("http://{address}"))).await.failure, limit);
}

/// A gzip stream of slightly more than `length` zero bytes.
fn zip_bomb(length: usize) -> Vec<u8> {
    let mut bits: Vec<bool> = Vec::new();
    // RFC 1951: the last block, fixed codes; a literal 0; then copies of 258 bytes from distance 1.
    bits.extend([true, true, false]);
    let code = |code: u32, width: u32| (0..width).rev().map(move |bit| code >> bit & 1 == 1);
    bits.extend(code(0x30, 8));
    for _ in 0..=length / 258 {
        bits.extend(code(0b1100_0101, 8).chain(code(0, 5)));
    }
    bits.extend(code(0, 7));
    let bytes = bits.chunks(8).map(|byte| byte.iter().rev().fold(0, |byte, bit| byte << 1 | u8::from(*bit)));
    [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255].into_iter().chain(bytes).chain([0; 8]).collect()
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (elsewhere, seen) = serve(http("200 OK", "", NO_ROWS.as_bytes()), None).await;
    let location = format!("http://{elsewhere}/login");
    let (address, _) = serve(http("302 Found", &format!("Location: {location}\r\n"), b""), None).await;
    let error = failure(&client(format!("http://{address}"))).await;
    let Failure::Redirect { location: Some(shown) } = &error.failure else { panic!("{error}") };
    assert_eq!(shown.to_string(), location);
    assert!(seen.heads().is_empty());
}

#[tokio::test]
async fn a_body_that_stalls_or_is_cut_off_is_an_error() {
    let stalling = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{";
    let (address, _) = serve(stalling, None).await;
    let limit = Duration::from_millis(200);
    let settings =
        Settings { request_timeout: Argument::Known(limit), ..settings(format!("http://{address}")) };
    let impatient_client = Client::new(settings, Environment::default(), "tests/1");
    assert_eq!(failure(&impatient_client).await.failure, Failure::AttemptTimeout { limit });

    let breaking = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 100\r\n\r\n{";
    let (address, _) = serve(breaking, None).await;
    let error = failure(&client(format!("http://{address}"))).await;
    assert!(matches!(error.failure, Failure::Transport(TransportError::Broken { .. })), "{error}");
}

#[tokio::test]
async fn an_error_names_the_closed_port() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = failure(&client(format!("http://{address}"))).await;
    let Failure::Transport(TransportError::Connect { host, reason }) = &error.failure else {
        panic!("{error}")
    };
    assert_eq!(host.to_string(), address.to_string());
    assert!(reason.to_string().to_lowercase().contains("refused"), "{reason}");
}

#[tokio::test]
async fn an_error_names_the_host_that_cannot_be_resolved() {
    let error = failure(&client("https://vm.does-not-exist.invalid")).await;
    assert!(
        matches!(&error.failure, Failure::Transport(TransportError::Dns { host, .. }) if host.to_string() == "vm.does-not-exist.invalid"),
        "{error}"
    );
}

/// A server's TLS configuration for `localhost` with this ALPN, and its certificate in PEM.
fn tls(alpn: &[u8]) -> (rustls::ServerConfig, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = vec![alpn.to_vec()];
    let lines = base64::engine::general_purpose::STANDARD.encode(made.cert.der());
    let lines: Vec<_> = lines.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
    (config, format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n")))
}

fn transport_error(error: &CallError) -> &TransportError {
    let Failure::Transport(problem) = &error.failure else { panic!("{error}") };
    problem
}

fn tls_problem(error: &CallError) -> &TlsProblem {
    let TransportError::Tls { problem, .. } = transport_error(error) else { panic!("{error}") };
    problem
}

#[tokio::test]
async fn certificates_of_ca_bundle_are_trusted() {
    let (config, pem) = tls(b"http/1.1");
    let (address, _) = serve(http("200 OK", "", NO_ROWS.as_bytes()), Some(config)).await;
    let endpoint = format!("https://localhost:{}", address.port());

    let error = failure(&client(endpoint.clone())).await;
    assert_eq!(tls_problem(&error), &TlsProblem::UntrustedAuthority);

    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &pem).unwrap();
    // As Windows editors write it.
    let with_mark = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(with_mark.path(), format!("\u{feff}{pem}")).unwrap();
    let directories = [tempfile::TempDir::new().unwrap(), tempfile::TempDir::new().unwrap()];
    std::fs::write(directories[1].path().join("00000000.0"), &pem).unwrap();
    let directories = std::env::join_paths(directories.iter().map(tempfile::TempDir::path)).unwrap();
    let environment = Environment::new([("SSL_CERT_DIR", directories.into_string().unwrap())], None);
    read(&Client::new(settings(endpoint.clone()), environment, "tests/1"), &ids(1)).await.unwrap();
    let other_host = format!("https://127.0.0.1:{}", address.port());
    let settings_of_other = Settings { ca_bundle: Argument::Known(pem.clone()), ..settings(other_host) };
    let error = failure(&Client::new(settings_of_other, Environment::default(), "tests/1")).await;
    assert_eq!(tls_problem(&error), &TlsProblem::OtherHost);
    for bundle in [pem, file.path().display().to_string(), with_mark.path().display().to_string()] {
        let settings = Settings { ca_bundle: Argument::Known(bundle), ..settings(endpoint.clone()) };
        let client = Client::new(settings, Environment::default(), "tests/1");
        read(&client, &ids(1)).await.unwrap();
    }
}

/// An HTTP/2 server for one connection: its endpoint and its certificate.
async fn serve_h2() -> (String, String) {
    let (config, pem) = tls(b"h2");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let stream = TlsAcceptor::from(Arc::new(config)).accept(stream).await.unwrap();
        let service = hyper::service::service_fn(async |request: http::Request<hyper::body::Incoming>| {
            assert_eq!(request.version(), http::Version::HTTP_2);
            Ok::<_, std::convert::Infallible>(http::Response::new(NO_ROWS.to_owned()))
        });
        let io = hyper_util::rt::TokioIo::new(stream);
        let executor = hyper_util::rt::TokioExecutor::new();
        hyper::server::conn::http2::Builder::new(executor).serve_connection(io, service).await
    });
    (endpoint, pem)
}

#[tokio::test]
async fn http_2_is_used_if_the_server_supports_it() {
    let (endpoint, pem) = serve_h2().await;
    let settings = Settings { ca_bundle: Argument::Known(pem), ..settings(endpoint) };
    let client = Client::new(settings, Environment::default(), "tests/1");
    for id in &ids(20) {
        read(&client, [id]).await.unwrap();
    }
}

#[tokio::test]
async fn a_ca_bundle_without_certificates_is_an_error() {
    let empty = tempfile::NamedTempFile::new().unwrap();
    let cases = [
        "/no/such/file".to_owned(),
        empty.path().display().to_string(),
        "-----BEGIN CERTIFICATE-----\n!".to_owned(),
        "-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END CERTIFICATE-----\\n".to_owned(),
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned(),
    ];
    for bundle in cases {
        let settings =
            Settings { ca_bundle: Argument::Known(bundle.clone()), ..settings("https://vm.jdcloud-api.com") };
        let error = read(&Client::new(settings, Environment::default(), ""), &ids(1)).await.unwrap_err();
        assert!(matches!(error, Error::Settings(SettingsError::CaBundle { .. })), "{bundle}: {error}");
        assert!(!error.to_string().contains("45, 45"), "the text is quoted byte by byte: {error}");
    }
}

#[tokio::test]
async fn an_unreadable_config_file_fails_the_read_even_if_it_is_not_needed() {
    let (address, seen) = serve(http("200 OK", "", NO_ROWS.as_bytes()), None).await;
    let dir = tempfile::tempdir().unwrap();
    for path in ["/no/such/file", dir.path().to_str().unwrap(), "/dev/null"] {
        let config_file = Argument::Known(path.to_owned());
        let settings = Settings { config_file, ..settings(format!("http://{address}")) };
        let error = read(&Client::new(settings, Environment::default(), ""), &ids(1)).await.unwrap_err();
        let Error::Settings(SettingsError::UnreadableFile { argument, .. }) = &error else {
            panic!("{error}")
        };
        assert_eq!(*argument, Some("config_file"), "{path}: {error}");
    }
    assert!(seen.heads().is_empty(), "the request was sent for another account");
}

#[tokio::test]
async fn the_request_after_a_reset_uses_a_new_connection() {
    let (address, seen) = serve(http("200 OK", "", NO_ROWS.as_bytes()), None).await;
    let endpoint = Endpoint::parse(&format!("http://{address}")).unwrap();
    let redactor = Arc::<Redactor>::default();
    let transport =
        HttpTransport::new(&endpoint, None, &Environment::default(), "tests/1", redactor).unwrap();
    let send = || {
        let request = SignedRequest { url: endpoint.join("/", ""), headers: HeaderMap::new() };
        transport.send(request)
    };
    for connections in [1, 1, 2, 2] {
        if connections == 2 && seen.connections.load(Ordering::Relaxed) == 1 {
            transport.reset();
        }
        assert_eq!(send().await.unwrap().status, 200);
        assert_eq!(seen.connections.load(Ordering::Relaxed), connections);
    }
}

#[tokio::test]
async fn a_url_that_is_too_long_is_not_sent() {
    let (address, seen) = serve(http("200 OK", "", NO_ROWS.as_bytes()), None).await;
    let settings = Settings { max_retries: Argument::Known(5), ..settings(format!("http://{address}")) };
    let client = Client::new(settings, Environment::default(), "tests/1");
    let error = failed(read(&client, &["x".repeat(66_000)]).await);
    assert!(matches!(error.failure, Failure::Unsendable { .. }), "{error}");
    assert_eq!((error.context.attempts, seen.heads().len()), (0, 0));
}

#[tokio::test]
async fn a_wrong_scheme_is_distinguished_from_a_broken_connection() {
    // As servers respond to TLS on a plain HTTP port.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let plain = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 4096]).await;
        let _ = stream.write_all(&http("400 Bad Request", "Connection: close\r\n", b"")).await;
    });
    let (encrypted, _) = serve(http("200 OK", "", NO_ROWS.as_bytes()), Some(tls(b"http/1.1").0)).await;
    for (endpoint, expected) in [(format!("https://{plain}"), true), (format!("http://{encrypted}"), false)] {
        let error = failure(&client(endpoint)).await;
        let Failure::Transport(TransportError::WrongScheme { tls, .. }) = error.failure else {
            panic!("{error}")
        };
        assert_eq!(tls, expected);
    }
}

#[tokio::test]
async fn a_proxy_is_used_and_its_errors_name_it() {
    let through = |proxy: String, endpoint: &str| {
        let variables = [("HTTP_PROXY", proxy.clone()), ("HTTPS_PROXY", proxy)];
        Client::new(settings(endpoint), Environment::new(variables, None), "tests/1")
    };
    let internal = "http://vm.internal.cn-north-1.jdcloud-api.com";
    let (address, seen) = serve(http("200 OK", "", NO_ROWS.as_bytes()), None).await;
    read(&through(format!("http://{address}"), internal), &ids(1)).await.unwrap();
    assert!(seen.heads()[0].starts_with(&format!("GET {internal}/v1/")), "{}", seen.heads()[0]);

    let (address, _) = serve(http("407 Proxy Authentication Required", "", b""), None).await;
    capture_log();
    for endpoint in [internal, "https://vm.jdcloud-api.com"] {
        let error = failure(&through(format!("http://me:hunter2@{address}"), endpoint)).await;
        let Failure::Transport(TransportError::ProxyAuthentication { proxy, variable }) = &error.failure
        else {
            panic!("{error}")
        };
        let expected = if endpoint == internal { "HTTP_PROXY" } else { "HTTPS_PROXY" };
        assert_eq!((proxy.to_string(), *variable), (format!("http://{address}"), expected));
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
    let (address, _) = serve(http("403 Forbidden", "", b""), None).await;
    let error = failure(&through(format!("http://{address}"), "https://vm.jdcloud-api.com")).await;
    let TransportError::ProxyRefusal { host, .. } = transport_error(&error) else { panic!("{error}") };
    assert_eq!(host.to_string(), "vm.jdcloud-api.com", "the user can ask for this host");

    let log = LOG.take().unwrap();
    assert!(log.contains("message=call ") && !log.contains("hunter2"), "{log}");
}

thread_local! {
    /// What this thread logged since `capture_log`.
    static LOG: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Captures the events and spans of each thread that called `capture_log`. There is one subscriber for the process, because
/// subscribers that change while other tests run miss events.
struct LogCapture;

impl LogCapture {
    fn write(record: impl FnOnce(&mut dyn tracing::field::Visit)) {
        LOG.with_borrow_mut(|log| {
            let Some(log) = log else { return };
            record(&mut |field: &tracing::field::Field, value: &dyn std::fmt::Debug| {
                log.push_str(&format!("{field}={value:?} "));
            });
            log.push('\n');
        });
    }
}

/// Starts to capture the log of this thread.
fn capture_log() {
    static ONCE: Once = Once::new();
    let subscriber = || tracing_subscriber::registry().with(LogCapture);
    ONCE.call_once(|| tracing::subscriber::set_global_default(subscriber()).unwrap());
    LOG.set(Some(String::new()));
}

impl<S: tracing::Subscriber> Layer<S> for LogCapture {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        Self::write(|visit| event.record(visit));
    }

    fn on_new_span(&self, span: &tracing::span::Attributes<'_>, _: &tracing::span::Id, _: Context<'_, S>) {
        Self::write(|visit| span.record(visit));
    }
}

#[tokio::test]
async fn a_call_logs_one_line_without_secrets() {
    capture_log();
    let (endpoint, pem) = serve_h2().await;
    let settings = Settings {
        secret_key: Argument::Known("hidden-secret".into()),
        security_token: Argument::Known("hidden-token".into()),
        ca_bundle: Argument::Known(pem),
        ..settings(endpoint)
    };
    read(&Client::new(settings, Environment::default(), "tests/1"), &ids(1)).await.unwrap();
    let log = LOG.take().unwrap();
    let lines: Vec<_> = log.lines().filter(|line| line.contains("message=call ")).collect();
    let [line] = lines[..] else { panic!("{lines:?}") };
    for part in
        ["region=\"cn-north-1\"", "ids=1", "attempt=1", "http_status=200", "request_id=r", "milliseconds="]
    {
        assert!(line.contains(part), "{part} in {line}");
    }
    assert!(
        log.contains(
            "canonical_request=\"GET\\n/v1/regions/cn-north-1/imageConstraints\\nids.1=img-00000\\n"
        )
    );
    // The secrets include the base64 of the token; the log includes that of the HTTP/2 library.
    assert!(log.contains("frame="), "the libraries log as well");
    for secret in ["hidden", "aGlkZGVuLXRva2Vu", "Signature", "Credential"] {
        assert!(!log.contains(secret), "{secret}");
    }
}
