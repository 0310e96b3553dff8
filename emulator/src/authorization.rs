//! Reads the `Authorization` header of `JDCLOUD2-HMAC-SHA256`.
//!
//! As strict as JD Cloud's own verifier (jdcloud-sdk-java-signer): one space after the algorithm, the parts in
//! order and parted by a comma and one space.

use crate::error::ApiError;

/// The only algorithm of the documentation.
pub(crate) const ALGORITHM: &str = "JDCLOUD2-HMAC-SHA256";
/// The last part of a credential scope.
pub(crate) const TERMINATOR: &str = "jdcloud2_request";

/// An `Authorization` header, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Authorization<'a> {
    pub(crate) access_key: &'a str,
    /// `YYYYMMDD/region/service/jdcloud2_request`, as sent.
    pub(crate) scope: &'a str,
    pub(crate) date: &'a str,
    pub(crate) region: &'a str,
    pub(crate) service: &'a str,
    /// The list as sent, parted by semicolons.
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
        let rest = header.strip_prefix(ALGORITHM).and_then(|rest| rest.strip_prefix(" Credential="));
        let (credential, rest) = rest.and_then(|rest| rest.split_once(", ")).ok_or_else(malformed)?;
        let rest = rest.strip_prefix("SignedHeaders=").ok_or_else(malformed)?;
        let (signed_headers, rest) = rest.split_once(", ").ok_or_else(malformed)?;
        let signature = rest.strip_prefix("Signature=").ok_or_else(malformed)?;

        let (access_key, scope) = credential.split_once('/').ok_or_else(malformed)?;
        let [date, region, service, TERMINATOR] = scope.split('/').collect::<Vec<_>>()[..] else {
            return Err(malformed());
        };
        if signed_headers.is_empty() {
            return Err(ApiError::access("lack of header signedHeaders"));
        }
        Ok(Self { access_key, scope, date, region, service, signed_headers, signature })
    }

    /// The names of the signed headers, in the order sent.
    pub(crate) fn signed_names(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.signed_headers.split(';')
    }
}

#[cfg(test)]
mod tests {
    use super::Authorization;

    const GOOD: &str = "JDCLOUD2-HMAC-SHA256 Credential=AK/20241122/cn-north-1/vm/jdcloud2_request, SignedHeaders=host;x-jdcloud-date, Signature=00ff";

    #[test]
    fn every_part_is_found() {
        let read = Authorization::parse(GOOD).unwrap();
        assert_eq!(read.scope, "20241122/cn-north-1/vm/jdcloud2_request");
        let parts = [read.access_key, read.date, read.region, read.service, read.signature];
        assert_eq!(parts, ["AK", "20241122", "cn-north-1", "vm", "00ff"]);
        assert!(read.signed_names().eq(["host", "x-jdcloud-date"]));
    }

    #[test]
    fn a_client_that_lays_the_header_out_otherwise_is_refused_as_the_gateway_would() {
        let invalid = "Invalid authentication credentials";
        for (from, to, message) in [
            ("Credential=", "", "lack of credential in the header authorization"),
            ("SignedHeaders=", "", "lack of header signedHeaders"),
            ("host;x-jdcloud-date", "", "lack of header signedHeaders"),
            ("JDCLOUD2-", "JDCLOUD3-", invalid),
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
