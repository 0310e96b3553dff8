//! The environment variables with which a go-plugin host configures its plugin.

use std::ffi::OsString;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::server::ParsedCertificate;

/// go-plugin's magic-cookie variable, as Terraform names it.
const COOKIE_NAME: &str = "TF_PLUGIN_MAGIC_COOKIE";
/// Its value (Terraform's internal/plugin/serve.go). It is not a secret: it only shows that a host started the process.
const COOKIE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";

/// The parsed variables.
#[derive(Debug)]
pub struct PluginEnvironment {
    /// The protocol versions that the host speaks, in any order.
    pub(super) protocols: Vec<u32>,
    /// The host's client certificate. Without one the connection is not encrypted.
    pub(super) client_certificate: Option<CertificateDer<'static>>,
    /// The directory for the socket, in place of the temporary directory.
    pub(super) socket_dir: Option<PathBuf>,
    /// The group that may connect to the socket.
    pub(super) socket_group: Option<String>,
    /// Whether the host requests multiplexing.
    pub(super) multiplexing_requested: bool,
    /// The range of ports to listen on, for Windows.
    #[cfg_attr(unix, allow(dead_code))]
    pub(super) ports: RangeInclusive<u16>,
}

/// Why the process cannot serve as a plugin.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEnvironment {
    /// The magic cookie is missing: a person started the binary.
    #[error("not started by Terraform")]
    NoHost,
    /// The client certificate is invalid. Serving without it would accept any client.
    #[error("PLUGIN_CLIENT_CERT: {0}")]
    ClientCertificate(String),
    /// A variable is not valid Unicode.
    #[error("{0} is not valid Unicode")]
    NotUnicode(&'static str),
    /// The range of ports is invalid.
    #[error("PLUGIN_MIN_PORT and PLUGIN_MAX_PORT: {0}")]
    Ports(String),
}

impl PluginEnvironment {
    /// The configuration for `-debug`, where no host sets the variables.
    pub(super) fn for_debugging() -> Self {
        Self {
            protocols: Vec::new(),
            client_certificate: None,
            socket_dir: None,
            socket_group: None,
            multiplexing_requested: false,
            ports: PORTS,
        }
    }

    /// Reads the variables through `lookup`.
    ///
    /// # Errors
    /// When the magic cookie is missing or wrong, or a variable is invalid.
    pub fn read(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Self, InvalidEnvironment> {
        let text = |name: &'static str| match lookup(name).map(OsString::into_string) {
            None => Ok(None),
            Some(Ok(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
            Some(Err(_)) => Err(InvalidEnvironment::NotUnicode(name)),
        };
        if text(COOKIE_NAME).ok().flatten().as_deref() != Some(COOKIE) {
            return Err(InvalidEnvironment::NoHost);
        }
        Ok(Self {
            protocols: protocols(text("PLUGIN_PROTOCOL_VERSIONS")?.as_deref().unwrap_or_default()),
            client_certificate: text("PLUGIN_CLIENT_CERT")?.map(|pem| certificate(&pem)).transpose()?,
            socket_dir: lookup("PLUGIN_UNIX_SOCKET_DIR").filter(|dir| !dir.is_empty()).map(PathBuf::from),
            socket_group: text("PLUGIN_UNIX_SOCKET_GROUP")?,
            multiplexing_requested: text("PLUGIN_MULTIPLEX_GRPC")?.is_some(),
            ports: ports(text("PLUGIN_MIN_PORT")?, text("PLUGIN_MAX_PORT")?)?,
        })
    }
}

/// The numbers in a comma-separated list. Other entries are skipped, as go-plugin does.
pub(super) fn protocols(list: &str) -> Vec<u32> {
    list.split(',').filter_map(|entry| entry.trim().parse().ok()).collect()
}

/// The highest version that both sides speak. Without one, the lowest of ours: the host then reports the mismatch.
pub(super) fn choose_protocol(ours: &[u32], theirs: &[u32]) -> u32 {
    let common = ours.iter().filter(|protocol| theirs.contains(protocol)).max();
    common.or(ours.iter().min()).copied().unwrap_or_default()
}

fn certificate(pem: &str) -> Result<CertificateDer<'static>, InvalidEnvironment> {
    let invalid = |problem: String| InvalidEnvironment::ClientCertificate(problem);
    let der = CertificateDer::from_pem_slice(pem.as_bytes())
        .map_err(|error| invalid(format!("not a PEM certificate: {error}")))?;
    ParsedCertificate::try_from(&der)
        .map_err(|error| invalid(format!("not an X.509 certificate: {error}")))?;
    Ok(der)
}

/// The default range of ports (go-plugin's client.go).
const PORTS: RangeInclusive<u16> = 10_000..=25_000;

fn ports(min: Option<String>, max: Option<String>) -> Result<RangeInclusive<u16>, InvalidEnvironment> {
    // Only Windows listens on a port, so elsewhere invalid values don't matter.
    if cfg!(unix) {
        return Ok(PORTS);
    }
    let parse = |text: Option<String>, default: u16| match text {
        None => Ok(default),
        Some(text) => {
            text.parse().map_err(|_| InvalidEnvironment::Ports(format!("{text:?} is not a port number")))
        }
    };
    let range = parse(min, *PORTS.start())?..=parse(max, *PORTS.end())?;
    if range.is_empty() {
        return Err(InvalidEnvironment::Ports(format!("{} is greater than {}", range.start(), range.end())));
    }
    Ok(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<PluginEnvironment, InvalidEnvironment> {
        PluginEnvironment::read(|name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into())
        })
    }

    #[test]
    fn without_the_magic_cookie_no_host_started_the_process() {
        for variables in [&[][..], &[(COOKIE_NAME, "")], &[(COOKIE_NAME, "1")], &[("MAGIC", COOKIE)]] {
            assert_eq!(read(variables).unwrap_err(), InvalidEnvironment::NoHost);
        }
        assert!(read(&[(COOKIE_NAME, COOKIE)]).is_ok());
    }

    #[test]
    fn the_highest_common_protocol_version_is_chosen() {
        let cases = [
            ("5", 5),
            ("6", 6),
            ("5,6", 6),
            ("6,5", 6),
            ("6,6,5,5", 6),
            (" 5 , 7", 5),
            ("", 5),
            (",,", 5),
            ("seven", 5),
            ("4", 5),
            ("99999999999999999999,6", 6),
            ("-6,5", 5),
        ];
        for (list, protocol) in cases {
            let environment = read(&[(COOKIE_NAME, COOKIE), ("PLUGIN_PROTOCOL_VERSIONS", list)]).unwrap();
            assert_eq!(choose_protocol(&[5, 6], &environment.protocols), protocol, "{list:?}");
        }
    }

    #[test]
    fn an_invalid_client_certificate_is_never_treated_as_absent() {
        let block = |body: &str| format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
        for invalid in ["rubbish", "-----BEGIN CERTIFICATE-----", &block("AAAA"), &block("!!!!"), " "] {
            let result = read(&[(COOKIE_NAME, COOKIE), ("PLUGIN_CLIENT_CERT", invalid)]);
            let message = result.unwrap_err().to_string();
            assert!(message.starts_with("PLUGIN_CLIENT_CERT: not a"), "{message}");
        }
        let empty = read(&[(COOKIE_NAME, COOKIE), ("PLUGIN_CLIENT_CERT", "")]).unwrap();
        assert!(empty.client_certificate.is_none());
    }
}
