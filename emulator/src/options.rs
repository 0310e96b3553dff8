//! How an emulator is set up before it starts.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use crate::{Catalogue, Scenario};

/// The access key that is accepted by default.
pub const ACCESS_KEY: &str = "EMULATOR-ACCESS-KEY";
/// The secret key of [`ACCESS_KEY`].
pub const SECRET_KEY: &str = "EMULATOR-SECRET-KEY";

/// A key pair that may call.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Sent in the clear.
    pub access_key: String,
    /// Signs.
    pub secret_key: String,
    /// When set, calls must carry it, signed.
    pub security_token: Option<String>,
}

impl Credentials {
    /// A pair without a token.
    pub fn new(access_key: &str, secret_key: &str) -> Self {
        Self { access_key: access_key.to_owned(), secret_key: secret_key.to_owned(), security_token: None }
    }
}

/// The form of a security token on the wire: the official SDKs disagree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenEncoding {
    /// As Go, Java and Python send it.
    #[default]
    Base64,
    /// As Rust and Node send it.
    Raw,
}

/// Which versions of JD Cloud's signature are accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Signature {
    /// Both, as the real gateway does.
    #[default]
    Any,
    /// `JDCLOUD2-HMAC-SHA256`
    V2,
    /// `JDCLOUD3-HMAC-SHA256`
    V3,
}

/// How to start an [`Emulator`](crate::Emulator).
#[derive(Clone)]
pub struct Options {
    /// A loopback address; anything else is refused.
    pub address: IpAddr,
    /// 0 is any free port.
    pub port: u16,
    /// Serve https, HTTP/1.1 and HTTP/2, with a certificate of its own authority.
    pub tls: bool,
    /// The key pairs that may call.
    pub credentials: Vec<Credentials>,
    /// The form in which security tokens are expected.
    pub token_encoding: TokenEncoding,
    /// The accepted signatures; others get a 401.
    pub signature: Signature,
    /// How far a call's date may be from the server's clock. The real gateway's figure is unknown.
    pub date_window: Duration,
    /// What exists.
    pub catalogue: Catalogue,
    /// What goes wrong.
    pub scenario: Scenario,
    /// One line per call on standard error.
    pub verbose: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            tls: false,
            credentials: vec![Credentials::new(ACCESS_KEY, SECRET_KEY)],
            token_encoding: TokenEncoding::default(),
            signature: Signature::default(),
            date_window: Duration::from_secs(15 * 60),
            catalogue: Catalogue::default(),
            scenario: Scenario::default(),
            verbose: false,
        }
    }
}
