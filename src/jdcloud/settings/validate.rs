//! What can be seen to be wrong with arguments before anything else is looked at.

use tracing::subscriber::NoSubscriber;

use super::{Argument, Environment, Settings, SettingsError, Sources};

impl Settings {
    /// Arguments that no environment can put right. Those left out or not known yet are passed over, and no file is read.
    #[must_use]
    pub fn problems(&self) -> Vec<SettingsError> {
        let files =
            [("profile", &self.profile), ("config_file", &self.config_file), ("ca_bundle", &self.ca_bundle)];
        let empty =
            |argument: &Argument<String>| matches!(argument, Argument::Known(text) if text.is_empty());
        let mut problems: Vec<_> = files
            .into_iter()
            .filter(|(_, argument)| empty(argument))
            .map(|(argument, _)| SettingsError::EmptyArgument { argument })
            .collect();
        let written = Self { profile: Argument::Absent, config_file: Argument::Absent, ..self.clone() };
        let sources = Sources::new(written, Environment::new::<String, String>([], None));
        // What is found without an environment is no news, and would mislead readers of the log.
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
}
