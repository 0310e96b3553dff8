//! What can be seen to be wrong with arguments before anything else is looked at.

use std::io::ErrorKind;

use tracing::subscriber::NoSubscriber;

use super::{Argument, Environment, Settings, SettingsError, Sources, file};
use crate::jdcloud::http::tls::is_pem;
use crate::jdcloud::untrusted::Redactor;

impl Settings {
    /// Arguments that no environment can put right. Those left out or not known yet are passed over. Of the files that
    /// arguments name, only whether they are there is looked at; `environment` has the home directory.
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
        problems.extend(self.missing_files(environment));
        let written = Self { profile: Argument::Absent, config_file: Argument::Absent, ..self.clone() };
        let sources = Sources::new(written, Environment::new::<String, String>([], None));
        // What is found without an environment is not what a read finds, and would mislead readers of the log.
        let found = tracing::subscriber::with_default(NoSubscriber::default(), || {
            [
                sources.credentials().err(),
                sources.region(None).err(),
                sources.endpoint().err(),
                sources.limits().err(),
            ]
        });
        problems.extend(found.into_iter().flatten().filter(|problem| {
            // What an environment, or the next apply, may still bring.
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
    fn missing_files(&self, environment: &Environment) -> Vec<SettingsError> {
        let redactor = Redactor::default();
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
