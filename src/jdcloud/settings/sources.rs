//! Finds each setting in its sources, in this order: arguments, then the profile if the argument `profile` is set, then the
//! environment, then the default profile.
//!
//! The key pair and its token must come from the same source. Region and endpoint are searched separately.

use std::sync::OnceLock;

use secrecy::{ExposeSecret as _, SecretString};

use super::credentials::{CredentialNames, CredentialValues};
use super::profile::Profile;
use super::{
    Argument, Credentials, Endpoint, Environment, Limits, Missing, Region, Settings, SettingsError, Source,
    SourceTried, TokenEncoding, endpoint,
};
use crate::jdcloud::untrusted::Redactor;

const ARGUMENTS: CredentialNames =
    CredentialNames { access_key: "access_key", secret_key: "secret_key", security_token: "security_token" };
/// The two conventions for the names, the more common one first.
const VARIABLES: [CredentialNames; 2] = [
    CredentialNames {
        access_key: "JDCLOUD_ACCESS_KEY",
        secret_key: "JDCLOUD_SECRET_KEY",
        security_token: "JDCLOUD_SECURITY_TOKEN",
    },
    CredentialNames {
        access_key: "JDCLOUD_ACCESS_KEY_ID",
        secret_key: "JDCLOUD_ACCESS_KEY_SECRET",
        security_token: "JDCLOUD_SECURITY_TOKEN",
    },
];

/// The names of a text setting in its sources.
struct TextSetting {
    argument: &'static str,
    variables: &'static [&'static str],
    /// The key in the profile.
    key: &'static str,
}

const REGION: TextSetting =
    TextSetting { argument: "region", variables: &["JDCLOUD_REGION", "JDCLOUD_REGION_ID"], key: "region_id" };
const ENDPOINT: TextSetting =
    TextSetting { argument: "vm_endpoint", variables: &["JDCLOUD_VM_ENDPOINT"], key: "endpoint" };

/// The arguments and the environment, and the profile once it is loaded.
#[derive(Debug)]
pub(crate) struct Sources {
    settings: Settings,
    environment: Environment,
    profile: OnceLock<Result<Profile, SettingsError>>,
    region: OnceLock<Result<Region, SettingsError>>,
    /// Has the secrets that are known before any file is read.
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

    /// The redactor for errors about settings. It has the secrets of arguments and environment.
    pub(crate) fn redactor(&self) -> &Redactor {
        self.redactor.get_or_init(|| {
            let mut redactor = self.settings.redactor();
            for name in VARIABLES.iter().flat_map(|names| [names.secret_key, names.security_token]) {
                redactor.add(self.environment.variable(name).unwrap_or_default());
            }
            for password in self.environment.proxy_passwords() {
                redactor.add(&password);
            }
            redactor
        })
    }

    /// The redactor of a connection with `credentials`.
    pub(crate) fn redactor_with(&self, credentials: &Credentials) -> Redactor {
        let mut redactor = self.redactor().clone();
        credentials.hide(&mut redactor);
        redactor
    }

    /// Checks that the environment, and the file of the argument `config_file`, can be read, even if no setting comes from
    /// them: the settings of another source could be those of an unintended account.
    ///
    /// # Errors
    /// A variable that is not UTF-8, and a `config_file` that does not exist or cannot be read.
    pub(crate) fn check_sources(&self) -> Result<(), SettingsError> {
        if let Some(variable) = self.environment.invalid() {
            return Err(SettingsError::NotUtf8 { variable: self.redactor().text(variable) });
        }
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
        for kind in self.order() {
            let found = match kind {
                SourceKind::Arguments => self.argument_keys(&mut tried)?,
                SourceKind::Environment => self.environment_keys(&mut tried)?,
                SourceKind::Profile => self.profile_keys(&mut tried)?,
            };
            if let Some((credentials, origin)) = found {
                tracing::debug!(setting = "credentials", from = %origin, "setting found");
                return Ok(credentials);
            }
            if let (SourceKind::Profile, true) = (kind, self.settings.profile.is_set()) {
                let keys = vec![ARGUMENTS.access_key, ARGUMENTS.secret_key];
                return Err(SettingsError::NoProfile(self.profile()?.lacks(keys)));
            }
        }
        Err(SettingsError::NoCredentials { tried })
    }

    /// The region `chosen`, or the default region.
    pub(crate) fn region(&self, chosen: Option<&str>) -> Result<Region, SettingsError> {
        match chosen {
            Some(name) => Region::parse_redacted(name, Source::Read, self.redactor()),
            None => self.region.get_or_init(|| self.default_region()).clone(),
        }
    }

    /// [`Sources::region`] if that needs no file.
    pub(crate) fn known_region(&self, chosen: Option<&str>) -> Option<Result<Region, SettingsError>> {
        match chosen {
            Some(_) => Some(self.region(chosen)),
            None => self.region.get().cloned(),
        }
    }

    fn default_region(&self) -> Result<Region, SettingsError> {
        let found = self.text(&REGION, &self.settings.region, Profile::region)?;
        let (name, origin) = found.map_err(|tried| SettingsError::NoRegion { tried })?;
        let redactor = self.redactor_of(&origin);
        Region::parse_redacted(&name, origin, &redactor)
    }

    /// The redactor for a value of `origin`. That of a profile has the profile's secret, too.
    fn redactor_of(&self, origin: &Source) -> Redactor {
        let mut redactor = self.redactor().clone();
        if let (Source::Profile { .. }, Ok(profile)) = (origin, self.profile())
            && let Ok(Some(secret)) = profile.get(ARGUMENTS.secret_key)
        {
            redactor.add(secret.expose_secret());
        }
        redactor
    }

    /// The base URL of the VM API.
    pub(crate) fn endpoint(&self) -> Result<Endpoint, SettingsError> {
        let found = self.text(&ENDPOINT, &self.settings.vm_endpoint, Profile::endpoint)?;
        let (text, origin) = found.unwrap_or_else(|_| (endpoint::DEFAULT.to_owned(), Source::Default));
        match Endpoint::parse(&text) {
            Ok(endpoint) => Ok(endpoint.with_origin(origin)),
            Err(problem) => Err(SettingsError::InvalidEndpoint {
                endpoint: self.redactor_of(&origin).text(endpoint::without_user_info(&text)),
                origin,
                problem,
            }),
        }
    }

    /// The extra trusted roots.
    pub(crate) fn ca_bundle(&self) -> Option<&str> {
        match &self.settings.ca_bundle {
            Argument::Known(bundle) => Some(bundle),
            _ => None,
        }
    }

    /// The limits. Also checks that all arguments without other sources are known.
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
    fn order(&self) -> [SourceKind; 3] {
        if self.settings.profile.is_set() {
            [SourceKind::Arguments, SourceKind::Profile, SourceKind::Environment]
        } else {
            [SourceKind::Arguments, SourceKind::Environment, SourceKind::Profile]
        }
    }

    fn profile(&self) -> Result<&Profile, SettingsError> {
        let loaded =
            self.profile.get_or_init(|| Profile::load(&self.settings, &self.environment, self.redactor()));
        loaded.as_ref().map_err(Clone::clone)
    }

    /// A text setting and its source, or all sources that were tried.
    fn text(
        &self,
        setting: &TextSetting,
        argument: &Argument<String>,
        in_profile: fn(&Profile) -> Result<Option<String>, SettingsError>,
    ) -> Result<Result<(String, Source), Vec<SourceTried>>, SettingsError> {
        let mut tried = Vec::new();
        for kind in self.order() {
            let (found, origin) = match kind {
                SourceKind::Arguments => {
                    let given = argument.text(setting.argument)?;
                    (given.map(ToOwned::to_owned), Source::Arguments(vec![setting.argument]))
                }
                SourceKind::Environment => {
                    let set = |name| self.environment.variable(name).is_some();
                    let name = setting.variables.iter().copied().find(|name| set(name));
                    let names = name.map_or_else(|| setting.variables.to_vec(), |name| vec![name]);
                    let value = name.and_then(|name| self.environment.variable(name));
                    (value.map(ToOwned::to_owned), Source::Environment(names))
                }
                SourceKind::Profile => (in_profile(self.profile()?)?, self.profile()?.origin()),
            };
            if let Some(value) = found {
                tracing::debug!(setting = setting.argument, from = %origin, "setting found");
                return Ok(Ok((value, origin)));
            }
            tried.push(match kind {
                SourceKind::Profile => self.profile()?.lacks(vec![setting.key]),
                SourceKind::Arguments | SourceKind::Environment => {
                    SourceTried { origin, missing: Missing::Unset }
                }
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
        let value = |name, argument: &Argument<SecretString>| match argument {
            Argument::Known(value) if value.expose_secret().is_empty() => {
                Err(SettingsError::EmptyArgument { argument: name })
            }
            Argument::Known(value) => Ok(Some(value.clone())),
            Argument::Absent | Argument::Unknown => Ok(None),
        };
        let values = CredentialValues {
            access_key: value(ARGUMENTS.access_key, &s.access_key)?,
            secret_key: value(ARGUMENTS.secret_key, &s.secret_key)?,
            security_token: value(ARGUMENTS.security_token, &s.security_token)?,
        };
        let origin = Source::Arguments(vec![ARGUMENTS.access_key, ARGUMENTS.secret_key]);
        let found = self.complete(origin.clone(), ARGUMENTS, values)?;
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
        let origin = |names: CredentialNames| Source::Environment(vec![names.access_key, names.secret_key]);
        let is_set = |names: &CredentialNames| {
            variable(names.access_key).or_else(|| variable(names.secret_key)).is_some()
        };
        let names = VARIABLES.into_iter().find(is_set).unwrap_or(VARIABLES[0]);
        let values = CredentialValues {
            access_key: variable(names.access_key).map(Into::into),
            secret_key: variable(names.secret_key).map(Into::into),
            security_token: variable(names.security_token).map(Into::into),
        };
        let found = self.complete(origin(names), names, values)?;
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
        let values = CredentialValues {
            access_key: profile.get(ARGUMENTS.access_key)?,
            secret_key: profile.get(ARGUMENTS.secret_key)?,
            // The CLI's profiles have no token.
            security_token: None,
        };
        let found = self.complete(profile.origin(), ARGUMENTS, values)?;
        if found.is_none() {
            tried.push(profile.lacks(vec![ARGUMENTS.access_key, ARGUMENTS.secret_key]));
        }
        Ok(found)
    }

    fn complete(
        &self,
        origin: Source,
        names: CredentialNames,
        values: CredentialValues,
    ) -> Result<Option<(Credentials, Source)>, SettingsError> {
        let encoding = match values.security_token {
            Some(_) => self.token_encoding()?,
            None => TokenEncoding::default(),
        };
        let found = Credentials::from_values(origin.clone(), names, values, encoding)?;
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
enum SourceKind {
    Arguments,
    Environment,
    Profile,
}

#[cfg(test)]
mod tests;
