//! Expands the placeholders of a raw answer.
//!
//! A placeholder is `{{NAME}}` or `{{NAME|FORM|FORM}}`, with the forms applied from left to right. An unknown
//! placeholder is left as it is.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;

use crate::percent::encode;
use crate::signature::header;

/// What placeholders stand for in the answer to one call.
pub(crate) struct Values<'a> {
    pub(crate) request_id: &'a str,
    /// The headers of the call.
    pub(crate) headers: &'a HeaderMap,
    /// The ids that the call asks for.
    pub(crate) ids: &'a [String],
    /// The rows of the good answer, separated by commas.
    pub(crate) rows: &'a str,
}

impl Values<'_> {
    /// Replaces all placeholders of `template`. Their values are not expanded again.
    pub(crate) fn fill(&self, template: &str) -> String {
        let mut filled = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once("{{") {
            let value = after.split_once("}}").and_then(|(name, next)| Some((self.value(name)?, next)));
            filled.push_str(before);
            rest = if let Some((value, next)) = value {
                filled.push_str(&value);
                next
            } else {
                filled.push_str("{{");
                after
            };
        }
        filled + rest
    }

    fn value(&self, placeholder: &str) -> Option<String> {
        if let Some(repeat) = placeholder.strip_prefix("repeat:") {
            let (times, text) = repeat.split_once(':')?;
            return Some(text.repeat(times.parse().ok()?));
        }
        let mut forms = placeholder.split('|');
        let value = match forms.next()? {
            "request-id" => self.request_id.to_owned(),
            "token" => self.header("x-jdcloud-security-token"),
            "id" => self.ids.first().cloned().unwrap_or_default(),
            "rows" => self.rows.to_owned(),
            name => self.header(name.strip_prefix("header:")?),
        };
        forms.try_fold(value, |value, form| {
            Some(match form {
                "upper" => value.to_uppercase(),
                "slashes" => value.replace('/', r"\/"),
                "unicode" => value.encode_utf16().map(|unit| format!(r"\u{unit:04x}")).collect(),
                "percent" => encode(value.as_bytes(), b""),
                "percent-lower" => encode(value.as_bytes(), b"").to_lowercase(),
                "base64" => STANDARD.encode(value),
                "unbase64" => String::from_utf8_lossy(&STANDARD.decode(value).ok()?).into_owned(),
                _ => return None,
            })
        })
    }

    fn header(&self, name: &str) -> String {
        header(self.headers, name).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use http::HeaderMap;

    use super::Values;

    #[test]
    fn a_secret_can_be_echoed_in_every_form_that_a_client_should_recognise() {
        let mut headers = HeaderMap::new();
        headers.insert("x-jdcloud-security-token", STANDARD.encode("a/b=Z").parse().unwrap());
        headers.insert("user-agent", "client/1".parse().unwrap());
        let ids = ["img-a".to_owned(), "img-b".to_owned()];
        let values = Values { request_id: "r-1", headers: &headers, ids: &ids, rows: "{},{}" };
        for (template, expected) in [
            ("{{request-id}}/{{id}}/{{id|upper}}", "r-1/img-a/IMG-A"),
            ("{{token}}", "YS9iPVo="),
            ("{{token|unbase64}}", "a/b=Z"),
            ("{{token|unbase64|slashes}}", r"a\/b=Z"),
            ("{{token|unbase64|unicode}}", r"\u0061\u002f\u0062\u003d\u005a"),
            ("{{token|unbase64|percent}}", "a%2Fb%3DZ"),
            ("{{token|percent-lower}}", "ys9ipvo%3d"),
            ("{{token|unbase64|base64}}", "YS9iPVo="),
            ("{{header:user-agent}}{{header:absent}}", "client/1"),
            (r#"{"list":[{{rows}}]}"#, r#"{"list":[{},{}]}"#),
            ("[{{repeat:3:{},}}{}]", "[{},{},{},{}]"),
            ("{{nonsense}} {{id|nonsense}} {{", "{{nonsense}} {{id|nonsense}} {{"),
        ] {
            assert_eq!(values.fill(template), expected);
        }
    }
}
