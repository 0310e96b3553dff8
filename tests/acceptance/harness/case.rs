//! One case: a directory with a configuration, an environment, and an emulator.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use jdcloud_emulator::{ACCESS_KEY, Emulator, Options, SECRET_KEY};
use serde_json::Value;
use tempfile::TempDir;

use super::cli::Cli;
use super::mirror::Protocol;
use super::outcome::Outcome;

/// The default region of a case.
const REGION: &str = "cn-north-1";
/// A timeout that is long enough on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);

/// The default endpoint of a case. Replaced by the URL of the emulator, which is known once it runs.
const EMULATOR: &str = "the emulator";

/// A signal that interrupts Terraform.
#[derive(Clone, Copy)]
pub(crate) enum Signal {
    /// Ctrl-C in a terminal.
    CtrlC,
    /// A kill, for example because memory is exhausted.
    Kill,
}

/// Sets up a case.
pub(crate) struct CaseBuilder {
    protocol: Protocol,
    files: BTreeMap<String, String>,
    variables: BTreeMap<String, String>,
    options: Options,
}

impl CaseBuilder {
    /// Another file of the configuration.
    pub(crate) fn file(mut self, name: &str, text: &str) -> Self {
        self.files.insert(name.to_owned(), text.to_owned());
        self
    }

    /// An environment variable of Terraform and thereby of the provider.
    pub(crate) fn variable(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.insert(name.to_owned(), value.into());
        self
    }

    /// Removes default variables.
    pub(crate) fn without(mut self, names: &[&str]) -> Self {
        self.variables.retain(|name, _| !names.contains(&name.as_str()));
        self
    }

    /// Without a key pair, a region or an endpoint.
    pub(crate) fn without_settings(mut self) -> Self {
        self.variables.retain(|name, _| !name.starts_with("JDCLOUD_"));
        self
    }

    /// Changes the options of the emulator.
    pub(crate) fn emulator(mut self, change: impl FnOnce(&mut Options)) -> Self {
        change(&mut self.options);
        self
    }

    /// Writes the configuration and runs `terraform init`.
    pub(crate) fn init(self) -> Case {
        let directory = tempfile::tempdir().unwrap();
        let emulator = Emulator::start(self.options).unwrap();
        let case = Case { protocol: self.protocol, directory, emulator, variables: self.variables };
        for name in ["home", "tmp", "work"] {
            fs::create_dir(case.path(name)).unwrap();
        }
        let mirror = self.protocol.mirror().display();
        let registry = Cli::get().registry();
        let settings = format!(
            "provider_installation {{\n  filesystem_mirror {{\n    path    = \"{mirror}\"\n    include = [\"{registry}/jdcloud/*\"]\n  }}\n}}\n"
        );
        fs::write(case.path("cli.tfrc"), settings).unwrap();
        for (name, text) in &self.files {
            case.write(name, text);
        }
        let init = case.run(&["init", "-input=false", "-no-color"]);
        assert!(init.success, "the provider can't be installed: {init}");
        case
    }
}

/// An initialized configuration.
pub(crate) struct Case {
    protocol: Protocol,
    directory: TempDir,
    emulator: Emulator,
    variables: BTreeMap<String, String>,
}

impl Case {
    /// Begins a case whose `main.tf` is `hcl`.
    ///
    /// `terraform.tf` requires the provider, so the lines of `hcl` keep their numbers. Credentials, region and endpoint
    /// are in the environment.
    pub(crate) fn build(protocol: Protocol, hcl: &str) -> CaseBuilder {
        let required =
            "terraform {\n  required_providers {\n    jdcloud = { source = \"jdcloud/jdcloud\" }\n  }\n}\n";
        let files = [("terraform.tf", required), ("main.tf", hcl.trim_start_matches('\n'))];
        let variables = [
            ("JDCLOUD_ACCESS_KEY", ACCESS_KEY),
            ("JDCLOUD_SECRET_KEY", SECRET_KEY),
            ("JDCLOUD_REGION", REGION),
            ("JDCLOUD_VM_ENDPOINT", EMULATOR),
        ];
        let owned = |(name, text): (&str, &str)| (name.to_owned(), text.to_owned());
        CaseBuilder {
            protocol,
            files: files.map(owned).into(),
            variables: variables.map(owned).into(),
            options: Options::default(),
        }
    }

    /// A case with defaults except its `main.tf`.
    pub(crate) fn new(protocol: Protocol, hcl: &str) -> Self {
        Self::build(protocol, hcl).init()
    }

    /// Writes a file of the configuration.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path("work").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// The path of `name` in the directory of the case: `work` is the configuration, `home` the home directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn emulator(&self) -> &Emulator {
        &self.emulator
    }

    /// Sets an environment variable for later commands.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    /// Runs `terraform plan`. [`planned`](Self::planned) shows the plan.
    #[track_caller]
    pub(crate) fn plan(&self) -> Outcome {
        self.run(&["plan", "-json", "-input=false", "-out=plan.tfplan"])
    }

    /// The JSON of a plan, which must succeed.
    #[track_caller]
    pub(crate) fn planned(&self) -> Value {
        self.plan().succeeded();
        self.json(&["show", "-json", "plan.tfplan"])
    }

    /// The known values of the outputs in a plan, which must succeed.
    #[track_caller]
    pub(crate) fn planned_outputs(&self) -> Value {
        values(&self.planned()["planned_values"]["outputs"])
    }

    /// Runs `terraform apply` without approval.
    #[track_caller]
    pub(crate) fn apply(&self) -> Outcome {
        self.run(&["apply", "-json", "-input=false", "-auto-approve"])
    }

    /// The outputs in the state.
    #[track_caller]
    pub(crate) fn outputs(&self) -> Value {
        values(&self.json(&["output", "-json"]))
    }

    /// The JSON output of a command, which must succeed.
    #[track_caller]
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let outcome = self.run(arguments);
        outcome.succeeded();
        serde_json::from_str(&outcome.stdout).unwrap()
    }

    /// Runs a command with output for people.
    #[track_caller]
    pub(crate) fn text(&self, arguments: &[&str]) -> Outcome {
        self.run(&[arguments, &["-no-color"]].concat())
    }

    /// Runs a command of Terraform.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        let _ = fs::remove_file(self.log());
        let output = self.command(arguments).output().unwrap();
        self.ended(arguments, &output)
    }

    /// Runs a plan, and sends `signal` to it after the first request. Ctrl-C reaches every process of
    /// a terminal; other signals go to Terraform alone.
    #[track_caller]
    pub(crate) fn plan_until(&self, signal: Signal) -> Outcome {
        let arguments = ["plan", "-no-color", "-input=false"];
        let _ = fs::remove_file(self.log());
        let mut command = self.command(&arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let terraform = command.spawn().unwrap();
        assert!(self.emulator.wait_for(PATIENCE, |counters| counters.calls > 0), "there was no request");
        let (name, target) = match signal {
            Signal::CtrlC => ("-INT", format!("-{}", terraform.id())),
            Signal::Kill => ("-KILL", terraform.id().to_string()),
        };
        assert!(Command::new("kill").args([name, "--", &target]).status().unwrap().success());
        let output = terraform.wait_with_output().unwrap();
        self.ended(&arguments, &output)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(Cli::get().path());
        command.args(arguments).current_dir(self.path("work")).stdin(Stdio::null()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.path("home")).env("TMPDIR", self.path("tmp"));
        command.env("TF_CLI_CONFIG_FILE", self.path("cli.tfrc")).env("TF_DATA_DIR", self.path("data"));
        command.env("CHECKPOINT_DISABLE", "1").env("TF_IN_AUTOMATION", "1");
        // The counters of `make coverage`.
        command.envs(std::env::var_os("LLVM_PROFILE_FILE").map(|file| ("LLVM_PROFILE_FILE", file)));
        command.env("TF_LOG_PROVIDER", "TRACE").env("TF_LOG_PATH", self.log());
        command.envs(&self.variables);
        if self.variables.get("JDCLOUD_VM_ENDPOINT").is_some_and(|endpoint| endpoint == EMULATOR) {
            command.env("JDCLOUD_VM_ENDPOINT", self.emulator.url());
        }
        command
    }

    fn log(&self) -> PathBuf {
        self.path("provider.log")
    }

    #[track_caller]
    fn ended(&self, arguments: &[&str], output: &Output) -> Outcome {
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        let outcome = Outcome::new(arguments, output, log);
        self.check(&outcome);
        outcome
    }

    /// Checks that apply to every command.
    #[track_caller]
    fn check(&self, outcome: &Outcome) {
        let [used, other] = self.protocol.services();
        assert!(
            !outcome.log.contains("starting plugin") || outcome.log.contains(used),
            "{:?} was not used: {outcome}\n{}",
            self.protocol,
            outcome.log
        );
        assert!(!outcome.log.contains(other), "{other} was called: {outcome}");
        for (place, text) in
            [("the output", &outcome.stdout), ("the output", &outcome.stderr), ("the log", &outcome.log)]
        {
            assert!(!text.contains(SECRET_KEY), "{place} contains the secret key: {text}");
            for crash in ["panicked", "crashed", "Plugin did not respond", "This is a bug"] {
                assert!(!text.contains(crash), "{place} reports a crash or a bug: {text}");
            }
        }
        self.check_leftovers();
    }

    /// Checks that no process and no socket is left.
    #[track_caller]
    fn check_leftovers(&self) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left: Vec<String> = self.processes().into_iter().chain(self.temporary_files()).collect();
            if left.is_empty() {
                return;
            }
            assert!(Instant::now() < deadline, "left behind after Terraform's end: {}", left.join(", "));
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The running processes of this case, identified by their home directory. Linux only: none elsewhere.
    fn processes(&self) -> Vec<String> {
        if !cfg!(target_os = "linux") {
            return Vec::new();
        }
        let home = format!("HOME={}", self.path("home").display());
        let of_case = |process: &Path| {
            let environment = fs::read(process.join("environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|variable| variable == home.as_bytes())
        };
        let processes = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
        processes.filter(|process| of_case(process)).map(|process| process.display().to_string()).collect()
    }

    fn temporary_files(&self) -> Vec<String> {
        let files = fs::read_dir(self.path("tmp")).unwrap().flatten();
        files.map(|file| file.path().display().to_string()).collect()
    }
}

/// The values of outputs, without type and sensitivity.
fn values(outputs: &Value) -> Value {
    let Some(outputs) = outputs.as_object() else { return Value::Object(serde_json::Map::new()) };
    outputs.iter().map(|(name, output)| (name.clone(), output["value"].clone())).collect()
}
