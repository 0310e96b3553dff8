//! Python packages in environments of their own, kept between runs.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A Python package.
pub(crate) struct Package {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    /// A module that has to be importable before the package counts as installed.
    pub(crate) module: &'static str,
    /// Whether its absence is a failure in CI.
    pub(crate) required: bool,
}

impl Package {
    /// The Python of an environment that holds the package, installed now if it is not there yet.
    ///
    /// Where that is impossible, for want of Python or of a network, a line on standard error says so and the result
    /// is `None`. Where the variable `CI` is set, the absence of a required package is a failure.
    pub(crate) fn python(&self) -> Option<PathBuf> {
        let Self { name, version, required, .. } = self;
        let installed = self.installed();
        if let Err(reason) = &installed {
            let note = format!("NOT RUN: {name} {version} cannot be installed here: {reason}\n");
            assert!(!required || std::env::var_os("CI").is_none(), "{note}");
            // The test harness hides what macros print.
            io::stderr().write_all(note.as_bytes()).unwrap();
        }
        installed.ok()
    }

    fn installed(&self) -> Result<PathBuf, String> {
        let environment = Path::new(env!("CARGO_TARGET_TMPDIR")).join(self.name);
        let python = environment.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python3" });
        let complete = environment.join(self.version);
        // A second test, or a second run, waits here and finds the work done.
        let lock = fs::File::create(environment.with_extension("lock")).unwrap();
        lock.lock().unwrap();
        if complete.exists() {
            return Ok(python);
        }
        let _ = fs::remove_dir_all(&environment);
        let base = if cfg!(windows) { "python" } else { "python3" };
        run(Command::new(base).args(["-m", "venv"]).arg(&environment))?;
        let install = ["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"];
        run(Command::new(&python).args(install).arg(format!("{}=={}", self.name, self.version)))?;
        run(Command::new(&python).args(["-c", &format!("import {}", self.module)]))?;
        fs::write(complete, "").unwrap();
        Ok(python)
    }
}

/// Runs to the end; the error is the last line of the output.
fn run(command: &mut Command) -> Result<(), String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| {
        let program = command.get_program().display();
        format!("{program} does not start ({error}); install Python 3 with venv and pip")
    })?;
    let printed = [output.stdout, output.stderr].concat();
    let printed = String::from_utf8_lossy(&printed);
    let last = printed.trim().lines().last().unwrap_or("no output").to_owned();
    if output.status.success() { Ok(()) } else { Err(last) }
}
