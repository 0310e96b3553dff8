//! Where each setting comes from: arguments, then a profile that was written, then the environment, then the
//! profile that is there anyway.
//!
//! The key pair and its token come whole from one source. Region and endpoint are tried for on their own.

use std::sync::OnceLock;

use secrecy::{ExposeSecret as _, SecretString};

use super::credentials::{Names, Parts};
use super::profile::Profile;
use super::{
    Argument, Credentials, Endpoint, Environment, Limits, Missing, Region, Settings, SettingsError, Source,
    SourceTried, TokenEncoding, endpoint,
};
use crate::jdcloud::untrusted::Redactor;

const ARGUMENTS: Names =
    Names { access_key: "access_key", secret_key: "secret_key", security_token: "security_token" };
/// The pairs of names in use, the more common one first.
const VARIABLES: [Names; 2] = [
    Names {
        access_key: "JDCLOUD_ACCESS_KEY",
        secret_key: "JDCLOUD_SECRET_KEY",
        security_token: "JDCLOUD_SECURITY_TOKEN",
    },
    Names {
        access_key: "JDCLOUD_ACCESS_KEY_ID",
        secret_key: "JDCLOUD_ACCESS_KEY_SECRET",
        security_token: "JDCLOUD_SECURITY_TOKEN",
    },
];

/// The names of a setting that is one text.
struct Setting {
    argument: &'static str,
    variables: &'static [&'static str],
    /// In the profile.
    key: &'static str,
}

const REGION: Setting =
    Setting { argument: "region", variables: &["JDCLOUD_REGION", "JDCLOUD_REGION_ID"], key: "region_id" };
const ENDPOINT: Setting =
    Setting { argument: "vm_endpoint", variables: &["JDCLOUD_VM_ENDPOINT"], key: "endpoint" };

/// Settings and environment, and the profile once it was needed.
#[derive(Debug)]
pub(crate) struct Sources {
    settings: Settings,
    environment: Environment,
    profile: OnceLock<Result<Profile, SettingsError>>,
    region: OnceLock<Result<Region, SettingsError>>,
    /// Of the secrets that are known before any file is read.
    redactor: OnceLock<Redactor>,
}

impl Sources {
    pub(crate) fn new(settings: Settings, environment: Environment) -> Self {
        Self {
            settings,
            environment,
            profile: OnceLock::new(),
            region: OnceLock::new(),
            redactor: OnceLock::new(),
        }
    }

    /// What errors about settings are made with: it knows the secrets of arguments and environment.
    pub(crate) fn redactor(&self) -> &Redactor {
        self.redactor.get_or_init(|| {
            let mut redactor = Redactor::default();
            for argument in [&self.settings.secret_key, &self.settings.security_token] {
                if let Argument::Known(secret) = argument {
                    redactor.add(secret.expose_secret());
                }
            }
            for name in VARIABLES.iter().flat_map(|names| [names.secret_key, names.security_token]) {
                redactor.add(self.environment.variable(name).unwrap_or_default());
            }
            for password in self.environment.proxy_passwords() {
                redactor.add(&password);
            }
            redactor
        })
    }

    /// What a connection with `credentials` makes its errors with.
    pub(crate) fn redactor_with(&self, credentials: &Credentials) -> Redactor {
        let mut redactor = self.redactor().clone();
        credentials.hide(&mut redactor);
        redactor
    }

    /// Checks the files that arguments name, where nothing else would: with a key pair from the environment
    /// `config_file` is not needed, and yet a wrong one must not go unnoticed, since its account was meant.
    ///
    /// # Errors
    /// A `config_file` that does not exist or cannot be read.
    pub(crate) fn check_config_file(&self) -> Result<(), SettingsError> {
        match self.settings.config_file {
            Argument::Known(_) if !self.settings.profile.is_unknown() => self.profile().map(drop),
            _ => Ok(()),
        }
    }

    pub(crate) fn environment(&self) -> &Environment {
        &self.environment
    }

    /// The key pair and its token.
    pub(crate) fn credentials(&self) -> Result<Credentials, SettingsError> {
        let mut tried = Vec::new();
        for origin in self.order() {
            let found = match origin {
                Step::Arguments => self.argument_keys(&mut tried)?,
                Step::Environment => self.environment_keys(&mut tried)?,
                Step::Profile => self.profile_keys(&mut tried)?,
            };
            if let Some((credentials, origin)) = found {
                tracing::debug!(setting = "credentials", from = %origin, "setting found");
                return Ok(credentials);
            }
        }
        Err(SettingsError::NoCredentials { tried })
    }

    /// The region of a read that names `chosen`, or of one that names none.
    pub(crate) fn region(&self, chosen: Option<&str>) -> Result<Region, SettingsError> {
        match chosen {
            Some(name) => Region::parse_redacted(name, Source::Read, self.redactor()),
            None => self.region.get_or_init(|| self.default_region()).clone(),
        }
    }

    /// [`Sources::region`] where that reads no file.
    pub(crate) fn known_region(&self, chosen: Option<&str>) -> Option<Result<Region, SettingsError>> {
        match chosen {
            Some(_) => Some(self.region(chosen)),
            None => self.region.get().cloned(),
        }
    }

    fn default_region(&self) -> Result<Region, SettingsError> {
        let found = self.text(&REGION, &self.settings.region, Profile::region)?;
        let (name, origin) = found.map_err(|tried| SettingsError::NoRegion { tried })?;
        Region::parse_redacted(&name, origin, self.redactor())
    }

    /// The base URL of the VM API.
    pub(crate) fn endpoint(&self) -> Result<Endpoint, SettingsError> {
        let found = self.text(&ENDPOINT, &self.settings.vm_endpoint, Profile::endpoint)?;
        let (text, origin) = found.unwrap_or_else(|_| (endpoint::DEFAULT.to_owned(), Source::Default));
        Endpoint::parse(&text).map_err(|problem| SettingsError::InvalidEndpoint {
            endpoint: self.redactor().text(endpoint::without_user_info(&text)),
            origin,
            problem,
        })
    }

    /// The extra trusted roots.
    pub(crate) fn ca_bundle(&self) -> Option<&str> {
        match &self.settings.ca_bundle {
            Argument::Known(bundle) => Some(bundle),
            _ => None,
        }
    }

    /// The limits. Arguments that nothing stands in for are checked here: all must be known.
    pub(crate) fn limits(&self) -> Result<Limits, SettingsError> {
        let s = &self.settings;
        let arguments: Vec<_> = [
            ("ca_bundle", s.ca_bundle.is_unknown()),
            ("request_timeout", s.request_timeout.is_unknown()),
            ("read_timeout", s.read_timeout.is_unknown()),
            ("max_retries", s.max_retries.is_unknown()),
            ("max_concurrent_requests", s.max_concurrent_requests.is_unknown()),
            ("batch_size", s.batch_size.is_unknown()),
            ("read_ahead", s.read_ahead.is_unknown()),
        ]
        .into_iter()
        .filter_map(|(name, unknown)| unknown.then_some(name))
        .collect();
        if arguments.is_empty() { Limits::of(s) } else { Err(SettingsError::UnknownArguments { arguments }) }
    }

    /// The sources in the order they are tried.
    fn order(&self) -> [Step; 3] {
        if self.settings.profile.is_written() {
            [Step::Arguments, Step::Profile, Step::Environment]
        } else {
            [Step::Arguments, Step::Environment, Step::Profile]
        }
    }

    fn profile(&self) -> Result<&Profile, SettingsError> {
        let loaded =
            self.profile.get_or_init(|| Profile::load(&self.settings, &self.environment, self.redactor()));
        loaded.as_ref().map_err(Clone::clone)
    }

    /// A setting that is one text and where it was found, or every source that was tried.
    fn text(
        &self,
        setting: &Setting,
        argument: &Argument<String>,
        in_profile: fn(&Profile) -> Result<Option<String>, SettingsError>,
    ) -> Result<Result<(String, Source), Vec<SourceTried>>, SettingsError> {
        let mut tried = Vec::new();
        for step in self.order() {
            let (found, origin) = match step {
                Step::Arguments => {
                    let given = argument.written(setting.argument)?;
                    (given.map(ToOwned::to_owned), Source::Arguments(vec![setting.argument]))
                }
                Step::Environment => {
                    let set = |name| self.environment.variable(name).is_some();
                    let name = setting.variables.iter().copied().find(|name| set(name));
                    let names = name.map_or_else(|| setting.variables.to_vec(), |name| vec![name]);
                    let value = name.and_then(|name| self.environment.variable(name));
                    (value.map(ToOwned::to_owned), Source::Environment(names))
                }
                Step::Profile => (in_profile(self.profile()?)?, self.profile()?.origin()),
            };
            if let Some(value) = found {
                tracing::debug!(setting = setting.argument, from = %origin, "setting found");
                return Ok(Ok((value, origin)));
            }
            tried.push(match step {
                Step::Profile => self.profile()?.without(vec![setting.key]),
                Step::Arguments | Step::Environment => SourceTried { origin, missing: Missing::Unset },
            });
        }
        Ok(Err(tried))
    }

    fn argument_keys(
        &self,
        tried: &mut Vec<SourceTried>,
    ) -> Result<Option<(Credentials, Source)>, SettingsError> {
        let s = &self.settings;
        let given = [
            (ARGUMENTS.access_key, s.access_key.is_unknown()),
            (ARGUMENTS.secret_key, s.secret_key.is_unknown()),
            (ARGUMENTS.security_token, s.security_token.is_unknown()),
        ];
        let arguments: Vec<_> =
            given.into_iter().filter_map(|(name, unknown)| unknown.then_some(name)).collect();
        if !arguments.is_empty() {
            return Err(SettingsError::UnknownArguments { arguments });
        }
        let part = |name, argument: &Argument<SecretString>| match argument {
            Argument::Known(value) if value.expose_secret().is_empty() => {
                Err(SettingsError::EmptyArgument { argument: name })
            }
            Argument::Known(value) => Ok(Some(value.clone())),
            Argument::Absent | Argument::Unknown => Ok(None),
        };
        let parts = Parts {
            access_key: part(ARGUMENTS.access_key, &s.access_key)?,
            secret_key: part(ARGUMENTS.secret_key, &s.secret_key)?,
            security_token: part(ARGUMENTS.security_token, &s.security_token)?,
        };
        let origin = Source::Arguments(vec![ARGUMENTS.access_key, ARGUMENTS.secret_key]);
        let found = self.whole(origin.clone(), ARGUMENTS, parts)?;
        if found.is_none() {
            tried.push(SourceTried { origin, missing: Missing::Unset });
        }
        Ok(found)
    }

    fn environment_keys(
        &self,
        tried: &mut Vec<SourceTried>,
    ) -> Result<Option<(Credentials, Source)>, SettingsError> {
        let variable = |name| self.environment.variable(name);
        let origin = |names: Names| Source::Environment(vec![names.access_key, names.secret_key]);
        let is_set =
            |names: &Names| variable(names.access_key).or_else(|| variable(names.secret_key)).is_some();
        let names = VARIABLES.into_iter().find(is_set).unwrap_or(VARIABLES[0]);
        let parts = Parts {
            access_key: variable(names.access_key).map(Into::into),
            secret_key: variable(names.secret_key).map(Into::into),
            security_token: variable(names.security_token).map(Into::into),
        };
        let found = self.whole(origin(names), names, parts)?;
        if found.is_none() {
            tried.extend(
                VARIABLES.map(|names| SourceTried { origin: origin(names), missing: Missing::Unset }),
            );
        }
        Ok(found)
    }

    fn profile_keys(
        &self,
        tried: &mut Vec<SourceTried>,
    ) -> Result<Option<(Credentials, Source)>, SettingsError> {
        let profile = self.profile()?;
        let parts = Parts {
            access_key: profile.get(ARGUMENTS.access_key)?,
            secret_key: profile.get(ARGUMENTS.secret_key)?,
            // The CLI's profiles have no token.
            security_token: None,
        };
        let found = self.whole(profile.origin(), ARGUMENTS, parts)?;
        if found.is_none() {
            tried.push(profile.without(vec![ARGUMENTS.access_key, ARGUMENTS.secret_key]));
        }
        Ok(found)
    }

    fn whole(
        &self,
        origin: Source,
        names: Names,
        parts: Parts,
    ) -> Result<Option<(Credentials, Source)>, SettingsError> {
        let encoding = match parts.security_token {
            Some(_) => self.token_encoding()?,
            None => TokenEncoding::default(),
        };
        let found = Credentials::whole(origin.clone(), names, parts, encoding)?;
        Ok(found.map(|credentials| (credentials, origin)))
    }

    fn token_encoding(&self) -> Result<TokenEncoding, SettingsError> {
        match self.environment.variable("JDCLOUD_SECURITY_TOKEN_ENCODING") {
            None | Some("base64") => Ok(TokenEncoding::Base64),
            Some("raw") => Ok(TokenEncoding::Raw),
            Some(other) => Err(SettingsError::TokenEncoding { given: self.redactor().text(other) }),
        }
    }
}

#[derive(Clone, Copy)]
enum Step {
    Arguments,
    Environment,
    Profile,
}

#[cfg(test)]
mod tests;
