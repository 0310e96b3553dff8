//! Validation of the arguments alone, without environment and profile.

use std::io::ErrorKind;

use tracing::subscriber::NoSubscriber;

use super::{Argument, Environment, Settings, SettingsError, Sources, file};
use crate::jdcloud::http::tls::is_pem;
use crate::jdcloud::untrusted::Redactor;

impl Settings {
    /// The problems of the arguments that no environment can solve. Absent and unknown arguments are skipped. Files are
    /// checked, but not opened; `environment` has the home directory.
    #[must_use]
    pub fn problems(&self, environment: &Environment) -> Vec<SettingsError> {
        let files =
            [("profile", &self.profile), ("config_file", &self.config_file), ("ca_bundle", &self.ca_bundle)];
        let empty =
            |argument: &Argument<String>| matches!(argument, Argument::Known(text) if text.is_empty());
        let mut problems: Vec<_> = files
            .into_iter()
            .filter(|(_, argument)| empty(argument))
            .map(|(argument, _)| SettingsError::EmptyArgument { argument })
            .collect();
        let arguments = Self { profile: Argument::Absent, config_file: Argument::Absent, ..self.clone() };
        let sources = Sources::new(arguments, Environment::new::<String, String>([], None));
        problems.extend(self.missing_files(environment, sources.redactor()));
        // The sources found here are not those of a read, so they must not be logged.
        let found = tracing::subscriber::with_default(NoSubscriber::default(), || {
            [
                sources.credentials().err(),
                sources.region(None).err(),
                sources.endpoint().err(),
                sources.limits().err(),
            ]
        });
        problems.extend(found.into_iter().flatten().filter(|problem| {
            // The environment, or the next apply, may solve these.
            !matches!(
                problem,
                SettingsError::NoCredentials { .. }
                    | SettingsError::NoRegion { .. }
                    | SettingsError::UnknownArguments { .. }
                    | SettingsError::NoProfile(_)
            )
        }));
        problems
    }

    /// The files that arguments name and that cannot be read.
    fn missing_files(&self, environment: &Environment, redactor: &Redactor) -> Vec<SettingsError> {
        let problem = |path: &str| {
            let error = file::check_path(&environment.expand(path)).err()?;
            let reason = match error.kind() {
                ErrorKind::NotFound => "there is no such file".into(),
                _ => redactor.text(error.to_string()),
            };
            Some((redactor.text(path), reason))
        };
        let mut problems = Vec::new();
        if let Argument::Known(path) = &self.config_file
            && !path.is_empty()
            && let Some((file, reason)) = problem(path)
        {
            let argument = Some("config_file");
            problems.push(SettingsError::UnreadableFile { argument, file, reason });
        }
        if let Argument::Known(bundle) = &self.ca_bundle
            && !bundle.is_empty()
            && !is_pem(bundle)
            && let Some((bundle, reason)) = problem(bundle)
        {
            problems.push(SettingsError::CaBundle { bundle, reason });
        }
        problems
    }
}
