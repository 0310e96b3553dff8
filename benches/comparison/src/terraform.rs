//! Modules for a real Terraform, and mirrors with the plugin.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Instant;

use jdcloud_emulator::{ACCESS_KEY, Emulator, SECRET_KEY};
use serde_json::json;
use terraform_provider_jdcloud::provider::{SOURCE_ADDRESS, VERSION};

use crate::machine::{output_of, terraform};
use crate::usage;

/// Makes a filesystem mirror in `directory` with one plugin, which `place` writes to a path; returns the CLI configuration
/// of the mirror.
pub(crate) fn mirror(directory: &Path, place: impl FnOnce(&Path)) -> PathBuf {
    let facts: serde_json::Value =
        serde_json::from_str(&output_of(&terraform(), &["version", "-json"])).unwrap();
    let package = directory.join(SOURCE_ADDRESS).join(VERSION).join(facts["platform"].as_str().unwrap());
    fs::create_dir_all(&package).unwrap();
    place(&package.join(format!("terraform-provider-jdcloud_v{VERSION}")));
    let configuration = directory.join("terraformrc");
    let text =
        format!("provider_installation {{\n  filesystem_mirror {{\n    path = {directory:?}\n  }}\n}}\n");
    fs::write(&configuration, text).unwrap();
    configuration
}

/// An initialized module.
pub(crate) struct Module {
    directory: PathBuf,
    /// The CLI configuration.
    configuration: PathBuf,
    parallelism: Option<usize>,
}

impl Module {
    /// Writes `hcl` and the value of its variable `ids`, and runs `terraform init`.
    pub(crate) fn new(
        directory: PathBuf,
        configuration: &Path,
        hcl: &str,
        ids: &[String],
        parallelism: Option<usize>,
    ) -> Self {
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("main.tf"), hcl).unwrap();
        fs::write(directory.join("terraform.tfvars.json"), json!({ "ids": ids }).to_string()).unwrap();
        let module = Self { directory, configuration: configuration.to_owned(), parallelism };
        run(module.command("init"));
        module
    }

    /// Runs a plan, whose output must count `images`; returns the seconds.
    pub(crate) fn plan(
        &self,
        emulator: &Emulator,
        replies: &Path,
        usage: Option<&Path>,
        images: usize,
    ) -> f64 {
        let mut command = self.command("plan");
        command.args(self.parallelism.map(|reads| format!("-parallelism={reads}")));
        command.env("JDCLOUD_VM_ENDPOINT", emulator.url()).env("JDCLOUD_REGION", "cn-north-1");
        command.env("JDCLOUD_ACCESS_KEY", ACCESS_KEY).env("JDCLOUD_SECRET_KEY", SECRET_KEY);
        command.env("BASELINE_REPLIES", replies);
        command.envs(usage.map(|file| (usage::FILE, file)));
        let started = Instant::now();
        let output = run(command);
        let elapsed = started.elapsed().as_secs_f64();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains(&format!("answered = {images}\n")), "{}: {text}", self.directory.display());
        elapsed
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(terraform());
        command.args([name, "-input=false", "-no-color"]).current_dir(&self.directory).stdin(Stdio::null());
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", &self.directory).env("TMPDIR", std::env::temp_dir());
        command.env("TF_CLI_CONFIG_FILE", &self.configuration).env("CHECKPOINT_DISABLE", "1");
        command
    }
}

fn run(mut command: Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{} can't be run: {error}", terraform()));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}
