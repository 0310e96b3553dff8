//! A minimal HTTP/1.1 client, with a signer of its own.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use jdcloud_emulator::{ACCESS_KEY, Emulator, Options, SECRET_KEY, Scenario};
use serde_json::Value;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use time::macros::format_description;

/// How long a test waits for something that should happen at once.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(20);

pub(crate) fn emulator(scenario: Scenario) -> Emulator {
    Emulator::start(Options { scenario, ..Options::default() }).unwrap()
}

/// `x-jdcloud-date`, so many seconds from now.
pub(crate) fn date_in(seconds: i64) -> String {
    let format = format_description!("[year][month][day]T[hour][minute][second]Z");
    (OffsetDateTime::now_utc() + time::Duration::seconds(seconds)).format(&format).unwrap()
}

/// Reads a `Date` or `Retry-After`.
pub(crate) fn parse_http_date(text: &str) -> OffsetDateTime {
    OffsetDateTime::parse(&text.replace("GMT", "+0000"), &Rfc2822).unwrap()
}

/// A call to be signed.
#[derive(Clone)]
pub(crate) struct Call {
    /// Of the signature: 2 or 3.
    pub(crate) version: u8,
    pub(crate) access_key: String,
    pub(crate) secret_key: String,
    pub(crate) region: String,
    /// What follows the region in the path.
    pub(crate) resource: String,
    pub(crate) query: String,
    pub(crate) host: String,
    pub(crate) date: String,
    pub(crate) nonce: String,
    /// Signed as well.
    pub(crate) token: Option<String>,
    /// Not signed.
    pub(crate) unsigned: Vec<(String, String)>,
}

impl Call {
    /// A good call for plain ids.
    pub(crate) fn new(ids: &[&str]) -> Self {
        static NONCES: AtomicU64 = AtomicU64::new(0);
        let pairs: Vec<_> = ids.iter().zip(1..).map(|(id, number)| format!("ids.{number}={id}")).collect();
        Self {
            version: 2,
            access_key: ACCESS_KEY.to_owned(),
            secret_key: SECRET_KEY.to_owned(),
            region: "cn-north-1".to_owned(),
            resource: "imageConstraints".to_owned(),
            query: pairs.join("&"),
            host: "vm.jdcloud-api.com".to_owned(),
            date: date_in(0),
            nonce: format!("nonce-{}", NONCES.fetch_add(1, Ordering::Relaxed)),
            token: None,
            unsigned: Vec::new(),
        }
    }

    /// A good call of another operation in `cn-east-1`, whose catalogue is that of a real region in size.
    pub(crate) fn of(resource: &str, query: &str) -> Self {
        let (resource, query) = (resource.to_owned(), query.to_owned());
        Self { resource, query, ..Self::new(&[]) }.region("cn-east-1")
    }

    pub(crate) fn region(self, region: &str) -> Self {
        Self { region: region.to_owned(), ..self }
    }

    pub(crate) fn unsigned(mut self, name: &str, value: &str) -> Self {
        self.unsigned.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn target(&self) -> String {
        let mark = if self.query.is_empty() { "" } else { "?" };
        format!("{}{mark}{}", self.path(), self.query)
    }

    fn path(&self) -> String {
        format!("/v1/regions/{}/{}", self.region, self.resource)
    }

    /// All headers, with the signature.
    pub(crate) fn headers(&self) -> Vec<(String, String)> {
        let mut headers = vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            ("host".to_owned(), self.host.clone()),
            ("x-jdcloud-date".to_owned(), self.date.clone()),
            ("x-jdcloud-nonce".to_owned(), self.nonce.clone()),
        ];
        headers.extend(self.token.clone().map(|token| ("x-jdcloud-security-token".to_owned(), token)));

        // Like JD Cloud's SDK for Python, version 3 adds date and nonce after signing.
        let late = ["x-jdcloud-date", "x-jdcloud-nonce"];
        let signed = headers.iter().filter(|(name, _)| self.version == 2 || !late.contains(&name.as_str()));
        let names: Vec<_> = signed.clone().map(|(name, _)| name.as_str()).collect();
        let names = names.join(";");
        let mut pairs: Vec<_> = self.query.split('&').collect();
        // By key, then value: sorted as text, `ids.10=` would come before `ids.1=`.
        pairs.sort_unstable_by_key(|pair| pair.split_once('='));
        let lines: String = signed.map(|(name, value)| format!("{name}:{value}\n")).collect();
        let path = self.path();
        let nothing = hex(&Sha256::digest(b""));
        let canonical = format!("GET\n{path}\n{}\n{lines}\n{names}\n{nothing}", pairs.join("&"));
        let day = &self.date[..8];
        let (version, terminator) = (self.version, format!("jdcloud{}_request", self.version));
        let scope = format!("{day}/{}/vm/{terminator}", self.region);
        let hash = hex(&Sha256::digest(canonical));
        let to_sign = format!("JDCLOUD{version}-HMAC-SHA256\n{}\n{scope}\n{hash}", self.date);
        let mut key = format!("JDCLOUD{version}{}", self.secret_key).into_bytes();
        for part in [day, &self.region, "vm", &terminator, &to_sign] {
            key = Hmac::<Sha256>::new_from_slice(&key)
                .unwrap()
                .chain_update(part)
                .finalize()
                .into_bytes()
                .to_vec();
        }
        let authorization = format!(
            "JDCLOUD{version}-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={}",
            self.access_key,
            hex(&key)
        );
        headers.push(("authorization".to_owned(), authorization));
        headers.extend(self.unsigned.clone());
        headers
    }

    /// The request as HTTP/1.1 writes it.
    pub(crate) fn text(&self) -> String {
        let lines: String =
            self.headers().iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        format!("GET {} HTTP/1.1\r\n{lines}connection: close\r\n\r\n", self.target())
    }

    /// Sends it and reads all that comes.
    pub(crate) fn send(&self, emulator: &Emulator) -> io::Result<Response> {
        exchange(&emulator.url(), &self.text())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A response with its body as received.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// `error.code` and `error.status`.
    pub(crate) fn error(&self) -> (u64, String) {
        let json = self.json();
        assert_eq!(json["requestId"].as_str().map(str::len), Some(32), "{json}");
        (json["error"]["code"].as_u64().unwrap(), json["error"]["status"].as_str().unwrap().to_owned())
    }

    /// The image ids of the rows.
    pub(crate) fn ids(&self) -> Vec<String> {
        self.column("imageConstraints", "imageId")
    }

    /// The field `name` of every object in the list `list`.
    pub(crate) fn column(&self, list: &str, name: &str) -> Vec<String> {
        let json = self.json();
        let rows = json["result"][list].as_array().unwrap_or_else(|| panic!("{json}"));
        rows.iter().map(|row| row[name].as_str().unwrap_or_default().to_owned()).collect()
    }
}

/// Opens a connection to an emulator without TLS.
pub(crate) fn connect(url: &str) -> TcpStream {
    let stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    stream
}

/// Sends `request` on a connection of its own, and reads until the other side closes it.
pub(crate) fn exchange(url: &str, request: &str) -> io::Result<Response> {
    let mut stream = connect(url);
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n");
    let end = end.ok_or_else(|| io::Error::other("closed without an answer"))?;
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap().parse().unwrap();
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Ok(Response { status, headers, body: answer[end + 4..].to_vec() })
}
