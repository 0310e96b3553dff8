//! Starts the built binary as Terraform does, and calls it.

#![allow(dead_code, unreachable_pub)] // each test file uses a part

mod client;
mod process;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use jdcloud_emulator::{Emulator, Options as EmulatorOptions, Scenario};
use rustls::pki_types::CertificateDer;
use terraform_provider_jdcloud::tfplugin::proto::v6;

#[allow(unused_imports)] // each test file uses a part
pub use client::*;
#[allow(unused_imports)]
pub use process::*;

pub const BINARY: &str = env!("CARGO_BIN_EXE_terraform-provider-jdcloud");

/// A timeout that is long enough on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// How to start the binary.
pub struct Options {
    pub variables: BTreeMap<String, String>,
    pub arguments: Vec<String>,
    pub temp: tempfile::TempDir,
    /// A line of shell that executes the binary as `"$0"`.
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

    /// Starts it by a line of shell that executes `"$0"`.
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
        // The output file of `make coverage`, and what a runner of another platform's programs needs.
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
        let log = Lines::read(child.stderr.take().unwrap());
        Plugin::attach(child, log, self)
    }

    /// Starts it as a host that does not read the log: the pipe is the test's.
    pub fn start_unread(self) -> (Plugin, ChildStderr) {
        let mut child = self.command().spawn().unwrap();
        let unread = child.stderr.take().unwrap();
        (Plugin::attach(child, Lines::read(std::io::empty()), self), unread)
    }

    /// Starts it with `-debug` and waits for the variable that hosts attach with.
    pub fn start_debug(self) -> Plugin {
        let options = self.argument("-debug");
        let mut child = options.command().spawn().unwrap();
        let output = Lines::read(child.stdout.take().unwrap());
        let log = Lines::read(child.stderr.take().unwrap());
        let lines = [output.next(), output.next(), output.next()].map(Option::unwrap_or_default);
        let handshake = handshake_of_reattach(&lines[2]);
        Plugin { child, handshake, output, log, options }
    }
}

/// The built binary, or the command in `JDCLOUD_TEST_PROVIDER`: a binary of another platform with its runner, such as
/// `wine provider.exe`.
fn binary() -> Command {
    let Ok(line) = std::env::var("JDCLOUD_TEST_PROVIDER") else { return Command::new(BINARY) };
    let mut words = line.split(' ');
    let mut command = Command::new(words.next().unwrap());
    command.args(words);
    command
}

/// The lines of a pipe, read in a thread so that the writer never waits.
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

    /// The next line; `None` at the end of the pipe or after a timeout.
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

/// The handshake line with the content of the line `TF_REATTACH_PROVIDERS='...'`.
pub fn handshake_of_reattach(line: &str) -> String {
    let value = line.trim().strip_prefix("TF_REATTACH_PROVIDERS='").unwrap().trim_end_matches('\'');
    let value: serde_json::Value = serde_json::from_str(value).unwrap();
    let provider = &value["registry.terraform.io/jdcloud/jdcloud"];
    let address = &provider["Addr"];
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let (network, path, protocol) =
        (text(&address["Network"]), text(&address["String"]), text(&provider["Protocol"]));
    format!("1|{}|{network}|{path}|{protocol}|", provider["ProtocolVersion"])
}

impl Plugin {
    /// Waits for the handshake line of a process that was started.
    fn attach(mut child: Child, log: Lines, options: Options) -> Self {
        let output = Lines::read(child.stdout.take().unwrap());
        let handshake =
            output.next().unwrap_or_else(|| panic!("no handshake; the log:\n{}", log.all().join("\n")));
        Self { child, handshake, output, log, options }
    }

    pub fn field(&self, number: usize) -> &str {
        self.handshake.split('|').nth(number - 1).unwrap_or_default()
    }

    pub fn socket(&self) -> PathBuf {
        PathBuf::from(self.field(4))
    }

    /// The certificate in the handshake line.
    pub fn certificate(&self) -> CertificateDer<'static> {
        CertificateDer::from(STANDARD_NO_PAD.decode(self.field(6)).unwrap())
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

    /// Waits for the process to end.
    pub fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "the process does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// What is in the temporary directory, which the process has to itself.
    pub fn left_behind(&self) -> Vec<PathBuf> {
        self.temp().read_dir().unwrap().map(|entry| entry.unwrap().path()).collect()
    }

    /// Everything on standard output after the handshake line.
    pub fn further_output(&self) -> Vec<String> {
        self.output.all().split_off(1)
    }

    /// Connects with TLS.
    pub async fn connect(&self, identity: &Identity) -> Client {
        Client::attach(&self.handshake, Some(identity)).await
    }

    /// Connects without TLS.
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

/// Summary and detail of each diagnostic, in one string.
pub fn texts(diagnostics: &[v6::Diagnostic]) -> Vec<String> {
    diagnostics.iter().map(|diagnostic| format!("{}: {}", diagnostic.summary, diagnostic.detail)).collect()
}

/// Waits for a condition that another process fulfills.
pub fn eventually(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "{what}: timed out");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A plain connection to a socket.
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
