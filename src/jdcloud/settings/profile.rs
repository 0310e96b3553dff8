//! The JD Cloud CLI's profile: a section of `~/.jdc/config`, chosen by name or by `~/.jdc/current`. Never
//! written.

use std::io::ErrorKind;
use std::path::Path;

use secrecy::{ExposeSecret as _, SecretString};

use super::ini::{Ini, Malformed};
use super::{Environment, Missing, Settings, SettingsError, Source, SourceTried, file};
use crate::jdcloud::untrusted::{Redactor, UntrustedText};

/// The endpoint that the CLI writes into every profile: a gateway for all products, not the host of the VM API.
const GENERIC_ENDPOINT: &str = "www.jdcloud-api.com";

/// The selected section, or why it is missing.
#[derive(Debug)]
pub(super) struct Profile {
    name: String,
    /// For errors.
    origin: Source,
    ini: Result<Ini, Missing>,
}

impl Profile {
    /// Reads the profile that `settings` and `environment` select.
    ///
    /// # Errors
    /// An unknown `profile` or `config_file`; one that is set but does not exist; a file that cannot be read.
    pub(super) fn load(
        settings: &Settings,
        environment: &Environment,
        redactor: &Redactor,
    ) -> Result<Self, SettingsError> {
        let profile = settings.profile.text("profile")?;
        let config_file = settings.config_file.text("config_file")?;
        let directory = environment.home().map(|home| home.join(".jdc"));
        let named = profile.or_else(|| environment.variable("JDCLOUD_PROFILE"));
        // A container may not be allowed to read HOME, and need nothing from it.
        let is_optional = named.is_none() && config_file.is_none();
        let named_by = match (named, profile) {
            (None, _) => Some("~/.jdc/current"),
            (Some(_), None) => Some("JDCLOUD_PROFILE"),
            (Some(_), Some(_)) => None,
        };
        let name = match (named, &directory) {
            (Some(name), _) => Ok(name.to_owned()),
            (None, Some(directory)) => current(&directory.join("current"), is_optional, redactor)?,
            (None, None) => Ok("default".to_owned()),
        };
        let file = match config_file {
            Some(path) => Some(environment.expand(path)),
            None => directory.map(|directory| directory.join("config")),
        };
        let argument = config_file.map(|_| "config_file");
        let ini = match (&name, &file) {
            // It may be another profile.
            (Err(missing), _) => Err(missing.clone()),
            (Ok(_), Some(path)) => read(path, argument, is_optional, redactor)?,
            (Ok(_), None) => Err(Missing::Home),
        };
        let name = name.unwrap_or_else(|_| "default".to_owned());
        let shown = file.as_ref().map(|file| redactor.text(file.to_string_lossy()));
        let origin = Source::Profile { name: redactor.text(&name), file: shown.clone() };
        let ini = match ini {
            Ok(text) => {
                let ini = Ini::parse(&text).map_err(|malformed| malformed_file(shown, malformed))?;
                match ini.has(&name) {
                    true => Ok(ini),
                    false => Err(Missing::Section(named_by.filter(|_| name != "default"))),
                }
            }
            Err(missing) => Err(missing),
        };
        let loaded = Self { name, origin, ini };
        if let (Err(Missing::File), Some(file)) = (&loaded.ini, config_file) {
            let (file, reason) = (redactor.text(file), "there is no such file".into());
            return Err(SettingsError::UnreadableFile { argument, file, reason });
        }
        match &loaded.ini {
            Err(_) if profile.is_some() => Err(SettingsError::NoProfile(loaded.lacks(Vec::new()))),
            _ => Ok(loaded),
        }
    }

    /// The value of `key`.
    ///
    /// # Errors
    /// A `%` in it that is not doubled.
    pub(super) fn get(&self, key: &str) -> Result<Option<SecretString>, SettingsError> {
        match &self.ini {
            Ok(ini) => ini.get(&self.name, key).map_err(|malformed| {
                let Source::Profile { file, .. } = &self.origin else {
                    return malformed_file(None, malformed);
                };
                malformed_file(file.clone(), malformed)
            }),
            Err(_) => Ok(None),
        }
    }

    /// The default region.
    pub(super) fn region(&self) -> Result<Option<String>, SettingsError> {
        Ok(self.get("region_id")?.map(|region| region.expose_secret().to_owned()))
    }

    /// The API's base URL, from `endpoint` and `scheme`; `None` for the endpoint that the CLI writes by
    /// default.
    pub(super) fn endpoint(&self) -> Result<Option<String>, SettingsError> {
        let (Some(endpoint), scheme) = (self.get("endpoint")?, self.get("scheme")?) else { return Ok(None) };
        let scheme = scheme.as_ref().map_or("https", |scheme| scheme.expose_secret());
        let (scheme, host) =
            endpoint.expose_secret().split_once("://").unwrap_or((scheme, endpoint.expose_secret()));
        let is_generic = host.trim_end_matches('/').eq_ignore_ascii_case(GENERIC_ENDPOINT);
        Ok((!is_generic).then(|| format!("{scheme}://{host}")))
    }

    /// Its source.
    pub(super) fn origin(&self) -> Source {
        self.origin.clone()
    }

    /// The error if none of `keys` was found.
    pub(super) fn lacks(&self, keys: Vec<&'static str>) -> SourceTried {
        let missing = match &self.ini {
            Ok(_) => Missing::Keys(keys),
            Err(missing) => missing.clone(),
        };
        SourceTried { origin: self.origin(), missing }
    }
}

/// The name in the file that `jdc configure use` writes.
fn current(
    path: &Path,
    is_optional: bool,
    redactor: &Redactor,
) -> Result<Result<String, Missing>, SettingsError> {
    let name = match read(path, None, is_optional, redactor)? {
        Err(Missing::File) => String::new(),
        Err(missing) => return Ok(Err(missing)),
        // Windows editors begin a file with a byte order mark.
        Ok(name) => name.trim_start_matches('\u{feff}').trim().to_owned(),
    };
    Ok(Ok(if name.is_empty() { "default".to_owned() } else { name }))
}

/// The text of `path`, which `argument` names, or why it is missing. A file that the user is not allowed to read is only
/// missing if it `is_optional`.
fn read(
    path: &Path,
    argument: Option<&'static str>,
    is_optional: bool,
    redactor: &Redactor,
) -> Result<Result<String, Missing>, SettingsError> {
    let unreadable = |reason: UntrustedText| {
        let file = redactor.text(path.to_string_lossy());
        SettingsError::UnreadableFile { argument, file, reason }
    };
    match file::read(path) {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Ok(Ok(text)),
            Err(_) => Err(unreadable("it is not UTF-8 text".into())),
        },
        Err(error) => match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => Ok(Err(Missing::File)),
            ErrorKind::PermissionDenied if is_optional => {
                Ok(Err(Missing::Unreadable(redactor.text(error.to_string()))))
            }
            _ => Err(unreadable(redactor.text(error.to_string()))),
        },
    }
}

fn malformed_file(file: Option<UntrustedText>, Malformed { line, reason }: Malformed) -> SettingsError {
    SettingsError::MalformedFile { file: file.unwrap_or_default(), line, reason }
}
