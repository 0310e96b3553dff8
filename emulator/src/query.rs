//! The query string of a call: its canonical form, and the `ids.N` it carries.

use crate::percent::{Plus, decode, encode};

/// A query string, decoded, in the order of the wire.
pub(crate) struct Query(Vec<(Vec<u8>, Vec<u8>)>);

impl Query {
    /// Splits and decodes `text`. A bare key has an empty value; a pair without a key is dropped.
    pub(crate) fn parse(text: &str) -> Self {
        let pairs = text.split('&').map(|piece| piece.split_once('=').unwrap_or((piece, "")));
        let decoded = pairs.map(|(key, value)| (decode(key, Plus::Space), decode(value, Plus::Space)));
        Self(decoded.filter(|(key, _)| !key.is_empty()).collect())
    }

    /// The canonical query of the signing rules: each side encoded, sorted as pairs.
    pub(crate) fn canonical(&self) -> String {
        let mut pairs: Vec<_> =
            self.0.iter().map(|(key, value)| (encode(key, b""), encode(value, b""))).collect();
        pairs.sort();
        let joined: Vec<_> = pairs.into_iter().map(|(key, value)| format!("{key}={value}")).collect();
        joined.join("&")
    }

    /// The ids in the order of their numbers; none when the call carries no parameter at all.
    ///
    /// # Errors
    ///
    /// A sentence for the caller when anything but `ids.1` to `ids.n`, without gaps, blanks or repeated
    /// numbers, is there. The real API's mercy with such calls is unknown; a client has no reason to need it.
    pub(crate) fn ids(&self) -> Result<Vec<String>, String> {
        let mut numbered = Vec::with_capacity(self.0.len());
        for (key, value) in &self.0 {
            let key = String::from_utf8_lossy(key);
            let number = key.strip_prefix("ids.").and_then(|number| number.parse::<usize>().ok());
            let number = number.ok_or_else(|| format!("unknown parameter '{key}'"))?;
            let id = str::from_utf8(value).map_err(|_| format!("{key} is not UTF-8"))?;
            if id.trim().is_empty() {
                return Err(format!("{key} is blank"));
            }
            numbered.push((number, id.to_owned()));
        }
        numbered.sort();
        match numbered.iter().zip(1..).find(|((number, _), expected)| number != expected) {
            Some((_, expected)) => Err(format!("ids.{expected} is missing or repeated")),
            None => Ok(numbered.into_iter().map(|(_, id)| id).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Query;

    #[test]
    fn ids_come_in_the_order_of_their_numbers_not_of_the_wire() {
        let query = "ids.10=j&ids.1=a&ids.2=b&ids.3=c&ids.4=d&ids.5=e&ids.6=f&ids.7=g&ids.8=h&ids.9=i";
        assert_eq!(Query::parse(query).ids().unwrap().concat(), "abcdefghij");
        assert_eq!(Query::parse("").ids().unwrap(), Vec::<String>::new());
    }

    #[test]
    fn a_client_that_counts_or_names_ids_wrongly_is_told() {
        for (query, told) in [
            ("ids.0=a", "ids.1 is missing"),
            ("ids.1=a&ids.3=c", "ids.2 is missing"),
            ("ids.1=a&ids.1=b", "ids.2 is missing or repeated"),
            ("ids=a", "unknown parameter 'ids'"),
            ("ids.x=a", "unknown parameter 'ids.x'"),
            ("ids.1=", "ids.1 is blank"),
            ("ids.1=%20", "ids.1 is blank"),
            ("ids.1=%FF", "ids.1 is not UTF-8"),
        ] {
            let sentence = Query::parse(query).ids().unwrap_err();
            assert!(sentence.contains(told), "{query}: {sentence}");
        }
    }

    #[test]
    fn the_canonical_query_is_sorted_as_pairs() {
        assert_eq!(Query::parse("ids.2=b&ids.10=c&ids.1=a").canonical(), "ids.1=a&ids.10=c&ids.2=b");
        assert_eq!(Query::parse("aa%3Daa=1&aa=2&k&=dropped").canonical(), "aa=2&aa%3Daa=1&k=");
        assert_eq!(Query::parse("").canonical(), "");
    }
}
