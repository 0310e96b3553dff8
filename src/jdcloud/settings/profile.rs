//! The JD Cloud CLI's profile: a section of `~/.jdc/config`, chosen by name or by `~/.jdc/current`. Never
//! written.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};

use super::ini::{Ini, Malformed};
use super::{Environment, Missing, Settings, SettingsError, Source, SourceTried};

/// What the CLI writes into every profile: a gateway for all products, not the VM API's own host.
const GENERIC_ENDPOINT: &str = "www.jdcloud-api.com";

/// The chosen section, or what it lacks to be there.
#[derive(Debug)]
pub(super) struct Profile {
    name: String,
    file: Option<PathBuf>,
    ini: Result<Ini, Missing>,
}

impl Profile {
    /// Reads the profile that `settings` and `environment` choose.
    ///
    /// # Errors
    /// An unknown `profile` or `config_file`; one of them written and not there; a file that cannot be read.
    pub(super) fn load(settings: &Settings, environment: &Environment) -> Result<Self, SettingsError> {
        let profile = settings.profile.written("profile")?;
        let config_file = settings.config_file.written("config_file")?;
        let directory = environment.home().map(|home| home.join(".jdc"));
        let name = match profile.or_else(|| environment.variable("JDCLOUD_PROFILE")) {
            Some(name) => name.to_owned(),
            None => match &directory {
                Some(directory) => current(&directory.join("current"))?,
                None => "default".to_owned(),
            },
        };
        let file = match config_file {
            Some(path) => Some(environment.expand(path)),
            None => directory.map(|directory| directory.join("config")),
        };
        let ini = match &file {
            Some(path) => read(path)?.ok_or(Missing::File),
            None => Err(Missing::Home),
        };
        let ini = match ini {
            Ok(text) => {
                let ini =
                    Ini::parse(&text).map_err(|malformed| malformed_file(file.as_deref(), malformed))?;
                if ini.has(&name) { Ok(ini) } else { Err(Missing::Section) }
            }
            Err(missing) => Err(missing),
        };
        let loaded = Self { name, file, ini };
        let asked_for = match &loaded.ini {
            Ok(_) => false,
            Err(Missing::File) => profile.is_some() || config_file.is_some(),
            Err(_) => profile.is_some(),
        };
        if asked_for { Err(SettingsError::NoProfile(loaded.without(Vec::new()))) } else { Ok(loaded) }
    }

    /// The value of `key`.
    ///
    /// # Errors
    /// A `%` in it that is not doubled.
    pub(super) fn get(&self, key: &str) -> Result<Option<SecretString>, SettingsError> {
        match &self.ini {
            Ok(ini) => {
                ini.get(&self.name, key).map_err(|malformed| malformed_file(self.file.as_deref(), malformed))
            }
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

    /// Where it is.
    pub(super) fn origin(&self) -> Source {
        Source::Profile { name: self.name.clone(), file: self.file.clone() }
    }

    /// What to say when `keys` were tried for in vain.
    pub(super) fn without(&self, keys: Vec<&'static str>) -> SourceTried {
        let missing = match &self.ini {
            Ok(_) => Missing::Keys(keys),
            Err(missing) => missing.clone(),
        };
        SourceTried { origin: self.origin(), missing }
    }
}

/// The name in the file that `jdc configure use` writes.
fn current(path: &Path) -> Result<String, SettingsError> {
    let name = read(path)?.unwrap_or_default();
    let name = name.trim();
    Ok(if name.is_empty() { "default" } else { name }.to_owned())
}

/// The text of `path`, `None` when there is no such file.
fn read(path: &Path) -> Result<Option<String>, SettingsError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(SettingsError::UnreadableFile { file: path.to_owned(), reason: error.to_string() }),
    }
}

fn malformed_file(file: Option<&Path>, Malformed { line, reason }: Malformed) -> SettingsError {
    SettingsError::MalformedFile { file: file.map(Path::to_owned).unwrap_or_default(), line, reason }
}
