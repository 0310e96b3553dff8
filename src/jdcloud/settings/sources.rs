//! Where each setting comes from: arguments, then a profile that was written, then the environment, then the
//! profile that is there anyway.
//!
//! The key pair and its token come whole from one place. Region and endpoint are looked for on their own.

use std::sync::OnceLock;

use secrecy::{ExposeSecret as _, SecretString};

use super::credentials::{Names, Parts};
use super::profile::Profile;
use super::{
    Argument, Credentials, Endpoint, Environment, Limits, Looked, Missing, Place, Region, Settings,
    SettingsError, TokenEncoding, endpoint,
};

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
/// What the CLI writes into every profile: a gateway for all products, not the VM API's own host.
const GENERIC_ENDPOINT: &str = "www.jdcloud-api.com";

/// Settings and environment, and the profile once it was needed.
#[derive(Debug)]
pub(crate) struct Sources {
    settings: Settings,
    environment: Environment,
    profile: OnceLock<Result<Profile, SettingsError>>,
}

impl Sources {
    pub(crate) fn new(settings: Settings, environment: Environment) -> Self {
        Self { settings, environment, profile: OnceLock::new() }
    }

    pub(crate) fn environment(&self) -> &Environment {
        &self.environment
    }

    /// The key pair and its token.
    pub(crate) fn credentials(&self) -> Result<Credentials, SettingsError> {
        let mut looked = Vec::new();
        for place in self.order() {
            let found = match place {
                Step::Arguments => self.argument_keys(&mut looked)?,
                Step::Environment => self.environment_keys(&mut looked)?,
                Step::Profile => self.profile_keys(&mut looked)?,
            };
            if let Some((credentials, place)) = found {
                tracing::debug!(from = %place, "credentials found");
                return Ok(credentials);
            }
        }
        Err(SettingsError::NoCredentials { looked })
    }

    /// The region of a read that names `chosen`, or of one that names none.
    pub(crate) fn region(&self, chosen: Option<&str>) -> Result<Region, SettingsError> {
        if let Some(name) = chosen {
            return Region::parse(name, Place::Read);
        }
        let mut looked = Vec::new();
        let found = self.text(
            "region",
            &self.settings.region,
            &["JDCLOUD_REGION", "JDCLOUD_REGION_ID"],
            &mut looked,
            |p| Ok(p.get("region_id")?.ok_or_else(|| p.without(vec!["region_id"]))),
        )?;
        let (name, place) = found.ok_or(SettingsError::NoRegion { looked })?;
        tracing::debug!(from = %place, "region found");
        Region::parse(&name, place)
    }

    /// The base URL of the VM API.
    pub(crate) fn endpoint(&self) -> Result<Endpoint, SettingsError> {
        let found =
            self.text(
                "vm_endpoint",
                &self.settings.vm_endpoint,
                &["JDCLOUD_VM_ENDPOINT"],
                &mut Vec::new(),
                |p| {
                    let endpoint = p.get("endpoint")?.map(|endpoint| endpoint.expose_secret().to_owned());
                    let host = |text: &str| {
                        text.rsplit("//").next().unwrap_or_default().trim_end_matches('/').to_lowercase()
                    };
                    let endpoint = endpoint.filter(|endpoint| host(endpoint) != GENERIC_ENDPOINT);
                    let scheme = p.get("scheme")?;
                    let scheme = scheme.as_ref().map_or("https", |scheme| scheme.expose_secret());
                    Ok(endpoint
                        .map(|endpoint| {
                            if endpoint.contains("://") { endpoint } else { format!("{scheme}://{endpoint}") }
                        })
                        .map(SecretString::from)
                        .ok_or_else(|| p.without(vec!["endpoint"])))
                },
            )?;
        let (text, place) = found.unwrap_or_else(|| (endpoint::DEFAULT.to_owned(), Place::Default));
        tracing::debug!(from = %place, "endpoint found");
        Endpoint::parse(&text).map_err(|problem| SettingsError::InvalidEndpoint {
            endpoint: endpoint::without_user_info(&text),
            place,
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

    /// The limits; also refuses every argument without a place of its own to fall back to that is not known yet.
    pub(crate) fn limits(&self) -> Result<Limits, SettingsError> {
        let s = &self.settings;
        let unknown = |argument: bool, name| argument.then_some(name);
        let arguments: Vec<_> = [
            unknown(s.ca_bundle == Argument::Unknown, "ca_bundle"),
            unknown(s.request_timeout == Argument::Unknown, "request_timeout"),
            unknown(s.read_timeout == Argument::Unknown, "read_timeout"),
            unknown(s.max_retries == Argument::Unknown, "max_retries"),
            unknown(s.max_concurrent_requests == Argument::Unknown, "max_concurrent_requests"),
            unknown(s.batch_size == Argument::Unknown, "batch_size"),
            unknown(s.read_ahead == Argument::Unknown, "read_ahead"),
        ]
        .into_iter()
        .flatten()
        .collect();
        if arguments.is_empty() { Limits::of(s) } else { Err(SettingsError::UnknownArguments { arguments }) }
    }

    /// The places in the order of looking.
    fn order(&self) -> [Step; 3] {
        if self.settings.profile.is_written() {
            [Step::Arguments, Step::Profile, Step::Environment]
        } else {
            [Step::Arguments, Step::Environment, Step::Profile]
        }
    }

    fn profile(&self) -> Result<&Profile, SettingsError> {
        let loaded = self.profile.get_or_init(|| Profile::load(&self.settings, &self.environment));
        loaded.as_ref().map_err(Clone::clone)
    }

    /// A setting that is one text, and where it was found.
    fn text(
        &self,
        name: &'static str,
        argument: &Argument<String>,
        variables: &[&'static str],
        looked: &mut Vec<Looked>,
        profile: impl Fn(&Profile) -> Result<Result<SecretString, Looked>, SettingsError>,
    ) -> Result<Option<(String, Place)>, SettingsError> {
        for step in self.order() {
            match step {
                Step::Arguments => {
                    let place = Place::Arguments(vec![name]);
                    match argument {
                        Argument::Known(value) if value.is_empty() => {
                            return Err(SettingsError::EmptyArgument { argument: name });
                        }
                        Argument::Known(value) => return Ok(Some((value.clone(), place))),
                        Argument::Unknown => {
                            return Err(SettingsError::UnknownArguments { arguments: vec![name] });
                        }
                        Argument::Absent => looked.push(Looked { place, missing: Missing::Unset }),
                    }
                }
                Step::Environment => {
                    for variable in variables {
                        if let Some(value) = self.environment.variable(variable) {
                            return Ok(Some((value.to_owned(), Place::Environment(vec![variable]))));
                        }
                    }
                    let place = Place::Environment(variables.to_vec());
                    looked.push(Looked { place, missing: Missing::Unset });
                }
                Step::Profile => match profile(self.profile()?)? {
                    Ok(value) => {
                        return Ok(Some((value.expose_secret().to_owned(), self.profile()?.place())));
                    }
                    Err(missing) => looked.push(missing),
                },
            }
        }
        Ok(None)
    }

    fn argument_keys(&self, looked: &mut Vec<Looked>) -> Result<Option<(Credentials, Place)>, SettingsError> {
        let s = &self.settings;
        let given = [
            (ARGUMENTS.access_key, &s.access_key),
            (ARGUMENTS.secret_key, &s.secret_key),
            (ARGUMENTS.security_token, &s.security_token),
        ];
        let unknown = given.iter().filter(|(_, argument)| matches!(argument, Argument::Unknown));
        let arguments: Vec<_> = unknown.map(|(name, _)| *name).collect();
        if !arguments.is_empty() {
            return Err(SettingsError::UnknownArguments { arguments });
        }
        let part = |name, argument: &Argument<SecretString>| match argument {
            Argument::Known(value) if value.expose_secret().is_empty() => {
                Err(SettingsError::EmptyArgument { argument: name })
            }
            Argument::Known(value) => Ok(Some(value.clone())),
            _ => Ok(None),
        };
        let parts = Parts {
            access_key: part(ARGUMENTS.access_key, &s.access_key)?,
            secret_key: part(ARGUMENTS.secret_key, &s.secret_key)?,
            security_token: part(ARGUMENTS.security_token, &s.security_token)?,
        };
        let place = Place::Arguments(vec![ARGUMENTS.access_key, ARGUMENTS.secret_key]);
        let found = self.whole(place.clone(), ARGUMENTS, parts)?;
        if found.is_none() {
            looked.push(Looked { place, missing: Missing::Unset });
        }
        Ok(found)
    }

    fn environment_keys(
        &self,
        looked: &mut Vec<Looked>,
    ) -> Result<Option<(Credentials, Place)>, SettingsError> {
        let variable = |name| self.environment.variable(name);
        let place = |names: Names| Place::Environment(vec![names.access_key, names.secret_key]);
        let is_set =
            |names: &Names| variable(names.access_key).or_else(|| variable(names.secret_key)).is_some();
        let names = VARIABLES.into_iter().find(is_set).unwrap_or(VARIABLES[0]);
        let parts = Parts {
            access_key: variable(names.access_key).map(Into::into),
            secret_key: variable(names.secret_key).map(Into::into),
            security_token: variable(names.security_token).map(Into::into),
        };
        let found = self.whole(place(names), names, parts)?;
        if found.is_none() {
            looked.extend(VARIABLES.map(|names| Looked { place: place(names), missing: Missing::Unset }));
        }
        Ok(found)
    }

    fn profile_keys(&self, looked: &mut Vec<Looked>) -> Result<Option<(Credentials, Place)>, SettingsError> {
        let profile = self.profile()?;
        let parts = Parts {
            access_key: profile.get(ARGUMENTS.access_key)?,
            secret_key: profile.get(ARGUMENTS.secret_key)?,
            // The CLI knows no token.
            security_token: None,
        };
        let found = self.whole(profile.place(), ARGUMENTS, parts)?;
        if found.is_none() {
            looked.push(profile.without(vec![ARGUMENTS.access_key, ARGUMENTS.secret_key]));
        }
        Ok(found)
    }

    fn whole(
        &self,
        place: Place,
        names: Names,
        parts: Parts,
    ) -> Result<Option<(Credentials, Place)>, SettingsError> {
        let encoding = match parts.security_token {
            Some(_) => self.token_encoding()?,
            None => TokenEncoding::default(),
        };
        let found = Credentials::whole(place.clone(), names, parts, encoding)?;
        Ok(found.map(|credentials| (credentials, place)))
    }

    fn token_encoding(&self) -> Result<TokenEncoding, SettingsError> {
        match self.environment.variable("JDCLOUD_SECURITY_TOKEN_ENCODING") {
            None | Some("base64") => Ok(TokenEncoding::Base64),
            Some("raw") => Ok(TokenEncoding::Raw),
            Some(other) => Err(SettingsError::TokenEncoding { given: other.to_owned() }),
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
