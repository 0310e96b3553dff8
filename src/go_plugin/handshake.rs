//! The handshake line on standard output, which tells the host how to connect.

use std::io::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::listener::Address;

/// go-plugin's core protocol version.
const CORE_PROTOCOL: u32 = 1;

/// The fields of the handshake line.
pub(super) struct Handshake<'a> {
    pub(super) protocol: u32,
    pub(super) address: &'a Address,
    /// The server's certificate, in DER.
    pub(super) certificate: Option<&'a [u8]>,
    /// Whether the seventh field is written, for hosts that requested multiplexing. Others would take it for a part of the
    /// certificate.
    pub(super) has_multiplexing_field: bool,
}

impl Handshake<'_> {
    fn line(&self) -> String {
        let Self { protocol, address, certificate, has_multiplexing_field } = self;
        // Hosts reject padding.
        let certificate = certificate.map(|der| STANDARD_NO_PAD.encode(der)).unwrap_or_default();
        let multiplexing = if *has_multiplexing_field { "|false" } else { "" };
        let (network, address) = (address.network(), address);
        format!("{CORE_PROTOCOL}|{protocol}|{network}|{address}|grpc|{certificate}{multiplexing}\n")
    }

    /// Writes the line. Nothing else is ever written to standard output.
    ///
    /// # Errors
    /// When standard output is closed, because the host has exited.
    #[allow(clippy::disallowed_methods)] // the handshake line is what standard output is reserved for
    pub(super) fn print(&self) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(self.line().as_bytes())?;
        stdout.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_has_the_fields_that_hosts_parse() {
        let address = Address::Tcp(std::net::SocketAddr::from(([127, 0, 0, 1], 10_000)));
        let mut handshake =
            Handshake { protocol: 6, address: &address, certificate: None, has_multiplexing_field: false };
        assert_eq!(handshake.line(), "1|6|tcp|127.0.0.1:10000|grpc|\n");
        handshake.certificate = Some(b"x");
        assert_eq!(handshake.line(), "1|6|tcp|127.0.0.1:10000|grpc|eA\n");
        handshake.has_multiplexing_field = true;
        assert_eq!(handshake.line(), "1|6|tcp|127.0.0.1:10000|grpc|eA|false\n");
    }
}
