//! A host for the built binary: starts it as Terraform does, and calls it.

#![allow(dead_code, unreachable_pub)] // each test file uses its part

mod client;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use jdcloud_emulator::{Emulator, Options as EmulatorOptions, Scenario};
use terraform_provider_jdcloud::tfplugin::proto::v6;

#[allow(unused_imports)] // each test file uses its part
pub use client::*;

pub const BINARY: &str = env!("CARGO_BIN_EXE_terraform-provider-jdcloud");

/// Long enough for a machine that is busy with other tests.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// How to start the binary.
pub struct Options {
    pub variables: BTreeMap<String, String>,
    pub arguments: Vec<String>,
    pub temp: tempfile::TempDir,
    /// What a shell does before it becomes the binary, as `"$0"`.
    shell: Option<String>,
}

impl Options {
    /// As Terraform starts it, with TLS for `identity`.
    pub fn host(identity: &Identity) -> Self {
        Self::plain().set("PLUGIN_CLIENT_CERT", &identity.pem)
    }

    /// As Terraform starts it with TF_DISABLE_PLUGIN_TLS.
    pub fn plain() -> Self {
        Self::person().set("TF_PLUGIN_MAGIC_COOKIE", COOKIE).set("PLUGIN_PROTOCOL_VERSIONS", "6,5")
    }

    /// As a person starts it.
    pub fn person() -> Self {
        let temp = tempfile::Builder::new().prefix("t").tempdir().unwrap();
        let variables = BTreeMap::from([("TMPDIR".to_owned(), temp.path().to_str().unwrap().to_owned())]);
        Self { variables, arguments: Vec::new(), temp, shell: None }.set("HOME", "/nonexistent")
    }

    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    pub fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    pub fn unset(mut self, name: &str) -> Self {
        self.variables.remove(name);
        self
    }

    /// Starts it by a line of shell that ends in `"$0"`.
    pub fn shell(mut self, line: &str) -> Self {
        self.shell = Some(line.to_owned());
        self
    }

    pub fn command(&self) -> Command {
        let mut command = match &self.shell {
            None => binary(),
            Some(line) => {
                let mut command = Command::new("/bin/sh");
                command.args(["-c", line, BINARY]);
                command
            }
        };
        command.args(&self.arguments).env_clear().envs(&self.variables);
        // Where `make coverage` wants its counters, and what a runner of another platform's programs needs.
        for name in ["LLVM_PROFILE_FILE", "WINEPREFIX", "WINEDEBUG"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs it to its end.
    pub fn run(self) -> (ExitStatus, String, String) {
        let output = self.command().output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status, text(output.stdout), text(output.stderr))
    }

    /// Starts it and waits for the handshake line.
    pub fn start(self) -> Plugin {
        let mut child = self.command().spawn().unwrap();
        let output = Lines::read(child.stdout.take().unwrap());
        let log = Lines::read(child.stderr.take().unwrap());
        let handshake =
            output.next().unwrap_or_else(|| panic!("no handshake; the log says:\n{}", log.all().join("\n")));
        Plugin { child, handshake, output, log, options: self }
    }
}

/// The built binary, or what `JDCLOUD_TEST_PROVIDER` has instead: a program of another platform with its runner, as in
/// `wine provider.exe`.
fn binary() -> Command {
    let line = std::env::var("JDCLOUD_TEST_PROVIDER").unwrap_or_else(|_| BINARY.to_owned());
    let mut words = line.split(' ');
    let mut command = Command::new(words.next().unwrap());
    command.args(words);
    command
}

/// The lines of a pipe, read as they come so that the writer never waits.
pub struct Lines {
    seen: Arc<Mutex<Vec<String>>>,
    news: Mutex<mpsc::Receiver<()>>,
    taken: Mutex<usize>,
}

impl Lines {
    fn read(pipe: impl Read + Send + 'static) -> Self {
        let seen = Arc::<Mutex<Vec<String>>>::default();
        let (sender, news) = mpsc::channel();
        let writer = seen.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                writer.lock().unwrap().push(line);
                let _ = sender.send(());
            }
        });
        Self { seen, news: Mutex::new(news), taken: Mutex::default() }
    }

    /// The next line, or none when the pipe is closed or nothing comes.
    pub fn next(&self) -> Option<String> {
        self.news.lock().unwrap().recv_timeout(PATIENCE).ok()?;
        let mut taken = self.taken.lock().unwrap();
        *taken += 1;
        self.seen.lock().unwrap().get(*taken - 1).cloned()
    }

    pub fn all(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

/// The running binary; killed when dropped.
pub struct Plugin {
    child: Child,
    pub handshake: String,
    output: Lines,
    pub log: Lines,
    options: Options,
}

impl Plugin {
    pub fn field(&self, number: usize) -> &str {
        self.handshake.split('|').nth(number - 1).unwrap_or_default()
    }

    pub fn socket(&self) -> PathBuf {
        PathBuf::from(self.field(4))
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn temp(&self) -> &Path {
        self.options.temp.path()
    }

    pub fn signal(&self, name: &str) {
        signal(self.pid(), name);
    }

    /// Waits for the process to end by itself.
    pub fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "the process goes on");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Everything on standard output after the handshake line.
    pub fn further_output(&self) -> Vec<String> {
        self.output.all().split_off(1)
    }

    /// Connects as the host that announced `identity`.
    pub async fn connect(&self, identity: &Identity) -> Client {
        Client::attach(&self.handshake, Some(identity)).await
    }

    /// Connects in plain text.
    pub async fn connect_plain(&self) -> Client {
        Client::attach(&self.handshake, None).await
    }
}

impl Drop for Plugin {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn signal(pid: u32, name: &str) {
    assert!(Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status().unwrap().success());
}

/// The texts of diagnostics, in one string each.
pub fn texts(diagnostics: &[v6::Diagnostic]) -> Vec<String> {
    diagnostics.iter().map(|diagnostic| format!("{}: {}", diagnostic.summary, diagnostic.detail)).collect()
}

/// Waits for something that happens outside of this process.
pub fn eventually(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "{what}: it does not happen");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Whether a process, which need not be a child of ours, has ended.
pub fn has_ended(pid: u32) -> bool {
    match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
        Err(_) => true,
        // Ended, and nobody has asked how.
        Ok(stat) => stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z')),
    }
}

/// A plain connection to a socket, as anybody could make it.
pub fn raw(socket: &Path) -> StdUnixStream {
    let stream = StdUnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

pub fn emulator(scenario: Scenario) -> Emulator {
    Emulator::start(EmulatorOptions { scenario, ..EmulatorOptions::default() }).unwrap()
}
