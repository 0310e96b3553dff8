//! Reads the `Authorization` header of `JDCLOUD2-HMAC-SHA256` and `JDCLOUD3-HMAC-SHA256`.
//!
//! As strict as JD Cloud's own verifier (jdcloud-sdk-java-signer): one space after the algorithm, the parts in
//! order and separated by a comma and one space.

use crate::error::ApiError;

/// A version of the signature. Only three strings differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) algorithm: &'static str,
    /// Stands before the secret key where the signing key is derived.
    pub(crate) key_prefix: &'static str,
    /// The last part of a credential scope.
    pub(crate) terminator: &'static str,
}

/// Of the documentation, and of the SDKs for Go, Java and Node.
pub(crate) const V2: Version =
    Version { algorithm: "JDCLOUD2-HMAC-SHA256", key_prefix: "JDCLOUD2", terminator: "jdcloud2_request" };
/// Of the SDK for Python and of the command line client.
pub(crate) const V3: Version =
    Version { algorithm: "JDCLOUD3-HMAC-SHA256", key_prefix: "JDCLOUD3", terminator: "jdcloud3_request" };

/// An `Authorization` header, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Authorization<'a> {
    pub(crate) version: Version,
    pub(crate) access_key: &'a str,
    /// `YYYYMMDD/region/service/terminator`, as sent.
    pub(crate) scope: &'a str,
    pub(crate) date: &'a str,
    pub(crate) region: &'a str,
    pub(crate) service: &'a str,
    /// The list as sent, separated by semicolons.
    pub(crate) signed_headers: &'a str,
    pub(crate) signature: &'a str,
}

impl<'a> Authorization<'a> {
    /// # Errors
    ///
    /// The documented 401 for the first part that is not there.
    pub(crate) fn parse(header: &'a str) -> Result<Self, ApiError> {
        let malformed = || ApiError::access("Invalid authentication credentials");
        if !header.contains("Credential=") {
            return Err(ApiError::access("lack of credential in the header authorization"));
        }
        if !header.contains("SignedHeaders=") {
            return Err(ApiError::access("lack of header signedHeaders"));
        }
        let (algorithm, rest) = header.split_once(' ').ok_or_else(malformed)?;
        let version = [V2, V3].into_iter().find(|version| version.algorithm == algorithm);
        let version = version.ok_or_else(malformed)?;
        let rest = rest.strip_prefix("Credential=");
        let (credential, rest) = rest.and_then(|rest| rest.split_once(", ")).ok_or_else(malformed)?;
        let rest = rest.strip_prefix("SignedHeaders=").ok_or_else(malformed)?;
        let (signed_headers, rest) = rest.split_once(", ").ok_or_else(malformed)?;
        let signature = rest.strip_prefix("Signature=").ok_or_else(malformed)?;

        let (access_key, scope) = credential.split_once('/').ok_or_else(malformed)?;
        let [date, region, service, terminator] = scope.split('/').collect::<Vec<_>>()[..] else {
            return Err(malformed());
        };
        if terminator != version.terminator {
            return Err(malformed());
        }
        if signed_headers.is_empty() {
            return Err(ApiError::access("lack of header signedHeaders"));
        }
        Ok(Self { version, access_key, scope, date, region, service, signed_headers, signature })
    }

    /// The names of the signed headers, in the order sent.
    pub(crate) fn signed_names(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.signed_headers.split(';')
    }
}

#[cfg(test)]
mod tests {
    use super::{Authorization, V2, V3};

    const GOOD: &str = "JDCLOUD2-HMAC-SHA256 Credential=AK/20241122/cn-north-1/vm/jdcloud2_request, SignedHeaders=host;x-jdcloud-date, Signature=00ff";

    #[test]
    fn every_part_is_found() {
        let read = Authorization::parse(GOOD).unwrap();
        assert_eq!(read.scope, "20241122/cn-north-1/vm/jdcloud2_request");
        let parts = [read.access_key, read.date, read.region, read.service, read.signature];
        assert_eq!(parts, ["AK", "20241122", "cn-north-1", "vm", "00ff"]);
        assert!(read.signed_names().eq(["host", "x-jdcloud-date"]));
        assert_eq!(read.version, V2);
        let third = GOOD.replace("JDCLOUD2", "JDCLOUD3").replace("jdcloud2", "jdcloud3");
        assert_eq!(Authorization::parse(&third).unwrap().version, V3);
    }

    #[test]
    fn a_client_that_lays_the_header_out_otherwise_is_refused_as_the_gateway_would() {
        let invalid = "Invalid authentication credentials";
        for (from, to, message) in [
            ("Credential=", "", "lack of credential in the header authorization"),
            ("SignedHeaders=", "", "lack of header signedHeaders"),
            ("host;x-jdcloud-date", "", "lack of header signedHeaders"),
            ("JDCLOUD2-", "JDCLOUD3-", invalid),
            ("JDCLOUD2-", "JDCLOUD4-", invalid),
            ("Credential=AK/", "Credential=", invalid),
            ("/jdcloud2_request", "/jdcloud3_request", invalid),
            ("/jdcloud2_request", "", invalid),
            (", Signed", ",Signed", invalid),
            (", Signature", ",  Signature", invalid),
            ("Signature=", "Sig=", invalid),
            ("256 Cred", "256  Cred", invalid),
        ] {
            let error = Authorization::parse(&GOOD.replace(from, to)).unwrap_err();
            assert_eq!(error.message, message, "{from} -> {to}");
        }
    }
}
