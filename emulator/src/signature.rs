//! The arithmetic of `JDCLOUD2-HMAC-SHA256` and `JDCLOUD3-HMAC-SHA256`, from JD Cloud's *Authorization Rules*.
//!
//! Independent of the provider's signer, and tested with vectors of the official SDKs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use sha2::{Digest, Sha256};

use crate::authorization::Authorization;
use crate::percent::{Plus, decode, encode};
use crate::query::Query;

/// A request as it came over the wire.
pub(crate) struct Received<'a> {
    pub(crate) method: &'a str,
    /// Still percent-encoded.
    pub(crate) path: &'a str,
    pub(crate) query: &'a Query,
    /// With `host` filled in from `:authority` under HTTP/2.
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
}

impl Received<'_> {
    /// The canonical request over the headers in `names`, or `None` when one of them was not sent.
    pub(crate) fn canonical(&self, names: &str) -> Option<String> {
        let path = encode(&decode(self.path, Plus::Literal), b"/");
        let mut sorted: Vec<_> = names.split(';').collect();
        sorted.sort_unstable();
        let mut headers = String::new();
        for name in sorted {
            headers += &format!("{name}:{}\n", header(self.headers, name)?);
        }
        // A client may send the hash of its body; the verifier of the Java SDK uses it unchecked.
        let body_hash = header(self.headers, "x-jdcloud-content-sha256")
            .unwrap_or_else(|| hex(&Sha256::digest(self.body)));
        Some(format!("{}\n{path}\n{}\n{headers}\n{names}\n{body_hash}", self.method, self.query.canonical()))
    }
}

/// The value of a header as it is signed: all its lines, trimmed at both ends.
pub(crate) fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    let mut lines = headers.get_all(name).iter().map(|line| String::from_utf8_lossy(line.as_bytes()));
    let mut value = lines.next()?.trim().to_owned();
    for line in lines {
        value.push(',');
        value.push_str(line.trim());
    }
    Some(value)
}

/// The string to sign for a canonical request sent at `date` (the text of `x-jdcloud-date`).
pub(crate) fn string_to_sign(
    authorization: &Authorization<'_>,
    date: &str,
    canonical_request: &str,
) -> String {
    let Authorization { version, scope, .. } = authorization;
    format!("{}\n{date}\n{scope}\n{}", version.algorithm, hex(&Sha256::digest(canonical_request)))
}

/// Whether `authorization` is what the owner of `secret_key` writes under `string_to_sign`.
pub(crate) fn is_genuine(authorization: &Authorization<'_>, secret_key: &str, string_to_sign: &str) -> bool {
    let version = authorization.version;
    let key = format!("{}{secret_key}", version.key_prefix).into_bytes();
    let chain = [authorization.date, authorization.region, authorization.service, version.terminator];
    let key = chain.iter().fold(key, |key, part| hmac_sha256(&key, part));
    hex(&hmac_sha256(&key, string_to_sign)) == authorization.signature
}

/// A security token in the form that Go's, Java's and Python's SDK send.
pub(crate) fn base64_token(token: &str) -> String {
    STANDARD.encode(token)
}

fn hmac_sha256(key: &[u8], message: &str) -> Vec<u8> {
    // HMAC takes a key of any length: there is no error to report.
    Hmac::<Sha256>::new_from_slice(key)
        .map(|mac| mac.chain_update(message).finalize().into_bytes().to_vec())
        .unwrap_or_default()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::{Authorization, Received, is_genuine, string_to_sign};
    use crate::query::Query;

    const VECTORS: &str = include_str!("../tests/signer-vectors.json");

    /// The vectors of both versions, with the headers that were sent: the same under either.
    fn vectors(all: &Value) -> impl Iterator<Item = (&Value, &Value)> {
        let second = all["jdcloud2"].as_array().unwrap();
        let third = all["jdcloud3"].as_array().unwrap();
        let same = |name: &Value| second.iter().find(|vector| vector["name"] == *name).unwrap();
        second.iter().chain(third).map(move |vector| (vector, &same(&vector["name"])["headers_sent"]))
    }

    /// Why a vector is not reproduced, if it is not.
    fn mismatch(vector: &Value, sent: &Value) -> Option<&'static str> {
        let inputs = &vector["inputs"];
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let mut headers = http::HeaderMap::new();
        headers.insert("host", text(&inputs["host"]).parse().unwrap());
        for (name, value) in sent.as_object().unwrap() {
            headers
                .insert(http::HeaderName::from_bytes(name.as_bytes()).unwrap(), text(value).parse().unwrap());
        }
        let url = text(&vector["url_on_wire"]);
        let query = Query::parse(url.split_once('?').map_or("", |(_, query)| query));
        let path = text(&inputs["path"]);
        let received = Received { method: "GET", path: &path, query: &query, headers: &headers, body: b"" };
        let header = text(&vector["authorization"]);
        let authorization = Authorization::parse(&header).unwrap();
        let canonical = received.canonical(authorization.signed_headers).unwrap();
        let to_sign = string_to_sign(&authorization, &text(&inputs["date"]), &canonical);
        if canonical != vector["canonical_request"] {
            Some("canonical request")
        } else if to_sign != vector["string_to_sign"] {
            Some("string to sign")
        } else if !is_genuine(&authorization, inputs["secret_key"].as_str().unwrap(), &to_sign) {
            Some("signature")
        } else {
            None
        }
    }

    #[test]
    fn what_the_official_sdks_sign_is_verified() {
        let vectors: Value = serde_json::from_str(VECTORS).unwrap();
        for (vector, sent) in self::vectors(&vectors) {
            // The Python SDK signs the host without `:80` there; Go signs, and sends, it with the port.
            let expected = (vector["name"] == "endpoint_http_port_80").then_some("canonical request");
            assert_eq!(mismatch(vector, sent), expected, "{}", vector["name"]);
        }
    }

    #[test]
    fn headers_are_canonical_in_the_order_of_their_names_however_they_are_listed() {
        let mut headers = http::HeaderMap::new();
        headers.insert("host", "h".parse().unwrap());
        headers.insert("accept", " a ".parse().unwrap());
        let query = Query::parse("");
        let received = Received { method: "GET", path: "/", query: &query, headers: &headers, body: b"" };
        let canonical = received.canonical("host;accept").unwrap();
        assert!(canonical.starts_with("GET\n/\n\naccept:a\nhost:h\n\nhost;accept\n"), "{canonical}");
        assert_eq!(received.canonical("host;date"), None, "a listed header must be there");
    }

    #[test]
    fn the_worked_examples_of_the_documentation_are_verified() {
        let vectors: Value = serde_json::from_str(VECTORS).unwrap();
        for vector in vectors["published"].as_array().unwrap() {
            let text = |name: &str| vector[name].as_str().unwrap();
            let mut lines = text("string_to_sign").lines().skip(1);
            let (date, scope) = (lines.next().unwrap(), lines.next().unwrap());
            let header = format!(
                "JDCLOUD2-HMAC-SHA256 Credential={}/{scope}, SignedHeaders=x, Signature={}",
                text("access_key"),
                text("signature")
            );
            let authorization = Authorization::parse(&header).unwrap();
            let to_sign = string_to_sign(&authorization, date, text("canonical_request"));
            assert_eq!(to_sign, text("string_to_sign"));
            assert!(is_genuine(&authorization, text("secret_key"), text("string_to_sign")));
        }
    }
}
