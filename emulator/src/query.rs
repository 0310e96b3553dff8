//! The query string of a call: its canonical form, and its parameters.

use crate::percent::{Plus, decode, encode};

/// A query string, decoded, in the order of the wire.
#[derive(Clone, Default)]
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

    /// The ids of a call that may carry nothing else, in the order of their numbers.
    ///
    /// # Errors
    ///
    /// As [`only`](Self::only) and [`list`](Self::list).
    pub(crate) fn ids(&self) -> Result<Vec<String>, String> {
        self.only(&["ids"])?;
        self.list("ids")
    }

    /// Refuses parameters that are not in `known`. Whether the real API does is not documented.
    ///
    /// # Errors
    ///
    /// A message that names the first of them.
    pub(crate) fn only(&self, known: &[&str]) -> Result<(), String> {
        let mut keys = self.0.iter().map(|(key, _)| String::from_utf8_lossy(key));
        match keys.find(|key| !known.contains(&key.split('.').next().unwrap_or_default())) {
            Some(key) => Err(format!("unknown parameter '{key}'")),
            None => Ok(()),
        }
    }

    /// The value of the parameter `name`.
    ///
    /// # Errors
    ///
    /// A message when it is repeated, blank or not UTF-8.
    pub(crate) fn value(&self, name: &str) -> Result<Option<String>, String> {
        let mut values = self.0.iter().filter(|(key, _)| key == name.as_bytes());
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some((_, value)), None) => text(name, value).map(Some),
            (Some(_), Some(_)) => Err(format!("{name} is repeated")),
        }
    }

    /// The values of `name.1` to `name.n` in the order of their numbers.
    ///
    /// # Errors
    ///
    /// A message when they have gaps or repeated numbers, are blank or not UTF-8, or when `name` has another form.
    pub(crate) fn list(&self, name: &str) -> Result<Vec<String>, String> {
        let mut numbered = Vec::with_capacity(self.0.len());
        for (key, value) in &self.0 {
            let key = String::from_utf8_lossy(key);
            let Some(rest) = key.strip_prefix(name).filter(|rest| rest.is_empty() || rest.starts_with('.'))
            else {
                continue;
            };
            let number = rest.strip_prefix('.').and_then(|number| number.parse::<usize>().ok());
            let number = number.ok_or_else(|| format!("unknown parameter '{key}'"))?;
            numbered.push((number, text(&key, value)?));
        }
        numbered.sort();
        match numbered.iter().zip(1..).find(|((number, _), expected)| number != expected) {
            Some((_, expected)) => Err(format!("{name}.{expected} is missing or repeated")),
            None => Ok(numbered.into_iter().map(|(_, value)| value).collect()),
        }
    }

    /// The filters, each with its name and values: `filters.1.name`, `filters.1.values.1` and so on.
    ///
    /// # Errors
    ///
    /// A message when a filter has no name, another operator than `eq`, or members that are not documented.
    pub(crate) fn filters(&self) -> Result<Vec<(String, Vec<String>)>, String> {
        let mut filters = Vec::new();
        let mut read = 0;
        for number in 1.. {
            let member = |member: &str| format!("filters.{number}.{member}");
            let Some(name) = self.value(&member("name"))? else { break };
            let operator = self.value(&member("operator"))?;
            if operator.as_deref().is_some_and(|operator| operator != "eq") {
                return Err(format!("{} is not eq", member("operator")));
            }
            let values = self.list(&member("values"))?;
            read += 1 + usize::from(operator.is_some()) + values.len();
            filters.push((name, values));
        }
        let sent = self.0.iter().filter(|(key, _)| key.starts_with(b"filters")).count();
        if read < sent {
            return Err(format!(
                "filters.{}.name is missing, or a filter has other members",
                filters.len() + 1
            ));
        }
        Ok(filters)
    }
}

fn text(key: &str, value: &[u8]) -> Result<String, String> {
    let value = str::from_utf8(value).map_err(|_| format!("{key} is not UTF-8"))?;
    if value.trim().is_empty() { Err(format!("{key} is blank")) } else { Ok(value.to_owned()) }
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
    fn misnumbered_and_misnamed_ids_are_errors() {
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
    fn filters_are_read_in_any_order_and_malformed_ones_are_errors() {
        let query = "filters.1.values.2=b&filters.2.name=az&filters.1.name=instanceTypes&filters.1.values.1=a\
                     &filters.2.values.1=cn-north-1a&filters.2.operator=eq";
        let expected = [("instanceTypes", vec!["a", "b"]), ("az", vec!["cn-north-1a"])];
        let read = Query::parse(query).filters().unwrap();
        let read: Vec<_> = read
            .iter()
            .map(|(name, values)| (&**name, values.iter().map(|value| &**value).collect()))
            .collect();
        assert_eq!(read, expected);
        for (query, told) in [
            ("filters.2.name=az&filters.2.values.1=a", "filters.1.name is missing"),
            ("filters.1.values.1=a", "filters.1.name is missing"),
            ("filters=a", "filters.1.name is missing"),
            ("filters.1.name=az&filters.1.value=a", "has other members"),
            ("filters.1.name=az&filters.1.values.2=a", "filters.1.values.1 is missing"),
            ("filters.1.name=az&filters.1.operator=ne&filters.1.values.1=a", "filters.1.operator is not eq"),
            ("filters.1.name=az&filters.1.name=az", "filters.1.name is repeated"),
        ] {
            let sentence = Query::parse(query).filters().unwrap_err();
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
