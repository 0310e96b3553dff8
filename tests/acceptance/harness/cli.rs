//! The Terraform that runs the cases, and its features.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

/// The Terraform or OpenTofu of this test run.
pub(crate) struct Cli {
    path: PathBuf,
    is_tofu: bool,
    version: (u32, u32),
    text: String,
    platform: String,
}

/// Features that some versions of Terraform do not have.
#[derive(Clone, Copy)]
pub(crate) enum Feature {
    /// No special feature.
    Plain,
    /// The `terraform_data` resource, whose output is unknown until it is applied.
    TerraformData,
    /// `check` blocks.
    Checks,
    /// Functions of providers.
    Functions,
    /// The validation of a variable may refer to other things.
    CrossValidation,
    /// `mock_provider` in `terraform test`.
    Mocks,
    /// Ephemeral variables.
    Ephemeral,
}

impl Feature {
    /// The first versions of Terraform and OpenTofu with the feature; OpenTofu's are from its release notes, not tested.
    fn since(self) -> [(u32, u32); 2] {
        match self {
            Self::Plain => [(1, 2), (1, 6)],
            Self::TerraformData => [(1, 4), (1, 6)],
            Self::Checks => [(1, 5), (1, 6)],
            Self::Functions => [(1, 8), (1, 7)],
            Self::CrossValidation => [(1, 9), (1, 9)],
            Self::Mocks => [(1, 7), (1, 8)],
            Self::Ephemeral => [(1, 10), (1, 11)],
        }
    }

    pub(crate) fn description(self) -> &'static str {
        match self {
            Self::Plain => "JSON output or no preconditions, which all cases need (Terraform 1.2)",
            Self::TerraformData => "terraform_data (Terraform 1.4)",
            Self::Checks => "check blocks (Terraform 1.5)",
            Self::Functions => "functions of providers (Terraform 1.8)",
            Self::CrossValidation => "validations that refer to data (Terraform 1.9)",
            Self::Mocks => "mock_provider (Terraform 1.7)",
            Self::Ephemeral => "ephemeral variables (Terraform 1.10)",
        }
    }
}

impl Cli {
    /// The one in `TERRAFORM`, else `terraform` in `PATH`, else `tofu`.
    pub(crate) fn get() -> &'static Self {
        static CLI: OnceLock<Result<Cli, String>> = OnceLock::new();
        match CLI.get_or_init(Self::find) {
            Ok(cli) => cli,
            Err(problem) => panic!("{problem}"),
        }
    }

    fn find() -> Result<Self, String> {
        let path = match std::env::var_os("TERRAFORM").filter(|path| !path.is_empty()) {
            Some(path) if Path::new(&path).components().count() == 1 => {
                in_path(&path.to_string_lossy()).ok_or(format!("TERRAFORM names {path:?}, which is not in PATH"))
            }
            Some(path) => std::path::absolute(path).map_err(|error| error.to_string()),
            None => in_path("terraform").or_else(|| in_path("tofu")).ok_or_else(|| {
                "The acceptance tests run under real Terraform, and neither `terraform` nor `tofu` is in PATH: run \
                 `make test`, which sets one up, or name one with the environment variable TERRAFORM."
                    .to_owned()
            }),
        }?;
        let output_of = |arguments: &[&str]| {
            let mut command = Command::new(&path);
            command.args(arguments).env_remove("TF_CLI_CONFIG_FILE").env("CHECKPOINT_DISABLE", "1");
            let output =
                command.output().map_err(|error| format!("{} can't be run: {error}", path.display()))?;
            String::from_utf8(output.stdout).map_err(|error| error.to_string())
        };
        let json = output_of(&["version", "-json"])?;
        let no_version = || format!("`{} version -json` has no terraform_version: {json}", path.display());
        let facts: Value = serde_json::from_str(&json).map_err(|_| no_version())?;
        let text = facts["terraform_version"].as_str().ok_or_else(no_version)?.to_owned();
        let platform = facts["platform"].as_str().ok_or_else(no_version)?.to_owned();
        let mut parts = text.split('.').map(|part| part.parse().ok());
        let version = parts.next().flatten().zip(parts.next().flatten()).ok_or_else(no_version)?;
        let is_tofu = output_of(&["version"])?.starts_with("OpenTofu");
        Ok(Self { path, is_tofu, version, text, platform })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Name and version.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", if self.is_tofu { "OpenTofu" } else { "Terraform" }, self.text)
    }

    /// The platform in the paths of mirrors, such as `linux_amd64`.
    pub(crate) fn platform(&self) -> &str {
        &self.platform
    }

    /// The default registry.
    pub(crate) fn registry(&self) -> &'static str {
        if self.is_tofu { "registry.opentofu.org" } else { "registry.terraform.io" }
    }

    #[allow(dead_code)] // used by the tests of examples
    pub(crate) fn is_tofu(&self) -> bool {
        self.is_tofu
    }

    /// The text of this host: Terraform's, or OpenTofu's, which was recorded with OpenTofu 1.12.6.
    pub(crate) fn says<'a>(&self, terraform: &'a str, opentofu: &'a str) -> &'a str {
        if self.is_tofu { opentofu } else { terraform }
    }

    pub(crate) fn has(&self, feature: Feature) -> bool {
        self.version >= feature.since()[usize::from(self.is_tofu)]
    }
}

fn in_path(name: &str) -> Option<PathBuf> {
    let directories = std::env::var_os("PATH")?;
    std::env::split_paths(&directories).map(|directory| directory.join(name)).find(|path| path.is_file())
}
