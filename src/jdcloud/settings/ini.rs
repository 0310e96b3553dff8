//! The INI dialect of the JD Cloud CLI, which is Python's `ConfigParser`: `#` and `;` begin a comment line,
//! keys are case-insensitive, `=` or `:` ends a key, `%%` is an escaped `%`, and `[DEFAULT]` has defaults for all sections.

use std::collections::BTreeMap;
use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};

/// A parsed file: section -> key in lower case -> its line and its value as written.
#[derive(Default)]
pub(super) struct Ini(BTreeMap<String, BTreeMap<String, (usize, SecretString)>>);

/// Shows no text of the file: in a malformed file, a name may contain a secret.
impl fmt::Debug for Ini {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ini({} sections)", self.0.len())
    }
}

/// A problem and its line, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed {
    pub(super) line: usize,
    pub(super) reason: &'static str,
}

impl Ini {
    pub(super) fn parse(text: &str) -> Result<Self, Malformed> {
        let mut sections = Self::default();
        let mut section: Option<String> = None;
        let mut last_key = None;
        for (number, line) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
            let malformed = |reason| Malformed { line: number, reason };
            let is_indented = line.starts_with([' ', '\t']);
            let line = line.trim();
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            if let Some((name, _)) = line.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
                if sections.0.insert(name.to_owned(), BTreeMap::new()).is_some() {
                    // Which of them counts? One account's key must not meet another's.
                    return Err(malformed("the file has this profile twice"));
                }
                (section, last_key) = (Some(name.to_owned()), None);
                continue;
            }
            let is_continuation = is_indented && !line.contains(['=', ':']);
            if let (true, Some(section), Some(key)) = (is_continuation, &section, &last_key) {
                if let Some((_, value)) = sections.0.get_mut(section).and_then(|keys| keys.get_mut(key)) {
                    *value = format!("{}\n{line}", value.expose_secret()).into();
                }
                continue;
            }
            let (key, value) = line
                .split_once(['=', ':'])
                .ok_or_else(|| malformed("expected `key = value` or `[profile]`"))?;
            let section = section.clone().ok_or_else(|| malformed("a key before the first `[profile]`"))?;
            let keys = sections.0.entry(section).or_default();
            let key = key.trim().to_lowercase();
            last_key = Some(key.clone());
            if keys.insert(key, (number, value.trim().into())).is_some() {
                return Err(malformed("the profile has this key twice"));
            }
        }
        Ok(sections)
    }

    pub(super) fn has(&self, section: &str) -> bool {
        self.0.contains_key(section)
    }

    /// The value of `key`, `None` if it is absent or empty.
    ///
    /// # Errors
    /// A `%` that is not doubled: the CLI would reject it or insert the value of another key.
    pub(super) fn get(&self, section: &str, key: &str) -> Result<Option<SecretString>, Malformed> {
        let found = [section, "DEFAULT"].iter().find_map(|section| self.0.get(*section)?.get(key));
        let Some((line, value)) = found.map(|(line, value)| (*line, value.expose_secret())) else {
            return Ok(None);
        };
        if value.replace("%%", "").contains('%') {
            return Err(Malformed { line, reason: "the value has a single % (write %%)" });
        }
        Ok(Some(value.replace("%%", "%").into()).filter(|_| !value.is_empty()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(text: &str, section: &str, key: &str) -> Option<String> {
        let ini = Ini::parse(text).unwrap();
        ini.get(section, key).unwrap().map(|value| value.expose_secret().to_owned())
    }

    #[test]
    fn files_are_read_as_by_the_cli() {
        let text = "\u{feff}; comment\n[default]\r\nAccess_Key = AK\n secret_key: a#b;c=d%%e\nempty =\n\n[Prod]\n#x=1\nx = 2\n[DEFAULT]\ny=3";
        for (section, key, value) in [
            ("default", "access_key", Some("AK")),
            ("default", "secret_key", Some("a#b;c=d%e")),
            ("default", "empty", None),
            ("default", "x", None),
            ("Prod", "x", Some("2")),
            ("Prod", "y", Some("3")),
            ("prod", "x", None),
        ] {
            assert_eq!(get(text, section, key).as_deref(), value, "{section}.{key}");
        }
        let continued = "[a]\ntext = one\n  two\nx = 1\n[b]\ny = 2";
        assert_eq!(get(continued, "a", "text").as_deref(), Some("one\ntwo"));
        assert_eq!(get(continued, "b", "y").as_deref(), Some("2"));
        assert!(Ini::parse(text).unwrap().has("Prod"));
    }

    #[test]
    fn debug_output_shows_no_names() {
        let ini = Ini::parse("[a secret_key = hidden]\nhidden = 1\n").unwrap();
        assert_eq!(format!("{ini:?}"), "Ini(1 sections)");
    }

    #[test]
    fn errors_name_the_line_and_do_not_quote_it() {
        for (text, line) in [
            ("[a]\nsecret", 2),
            ("[a]\nx=1\n[b]\n[a]\ny=2", 4),
            ("[a]\n  secret", 2),
            ("x = 1", 1),
            ("[a]\nx=1\nX=2", 3),
            ("\n[a", 2),
        ] {
            assert_eq!(Ini::parse(text).unwrap_err().line, line, "{text}");
        }
        for value in ["50%", "%(y)s"] {
            assert_eq!(Ini::parse(&format!("[a]\nx = {value}")).unwrap().get("a", "x").unwrap_err().line, 2);
        }
    }
}
