//! Starts a plugin as Terraform does, and calls it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use terraform_provider_jdcloud::framework::Value;
use terraform_provider_jdcloud::tfplugin::proto::v6;

use crate::client::{COOKIE, Client, Identity, block, data_source_type, dynamic};

/// A plugin process; killed when dropped.
pub(crate) struct Plugin {
    process: Child,
    /// The handshake line.
    handshake: String,
    /// The time from the start of the process until the line was read.
    pub(crate) started_in: Duration,
    _output: BufReader<ChildStdout>,
}

impl Plugin {
    /// Starts `program` with `directory` for its temporary files, and waits for the handshake.
    pub(crate) fn start(program: &Path, directory: &Path, identity: &Identity) -> Self {
        let mut command = Command::new(program);
        command.env_clear().env("TMPDIR", directory).env("BASELINE_REPLIES", directory);
        command.env("TF_PLUGIN_MAGIC_COOKIE", COOKIE).env("PLUGIN_PROTOCOL_VERSIONS", "6,5");
        command.env("PLUGIN_CLIENT_CERT", &identity.pem);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let started = Instant::now();
        let mut process = command.spawn().unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut handshake = String::new();
        output.read_line(&mut handshake).unwrap();
        let started_in = started.elapsed();
        Self { process, handshake: handshake.trim_end().to_owned(), started_in, _output: output }
    }

    pub(crate) async fn connect(&self, identity: &Identity) -> Client {
        Client::attach(&self.handshake, Some(identity)).await
    }

    /// A figure of /proc/PID/status in bytes: `VmRSS` is the current memory, `VmHWM` the peak. Waits until the process is idle.
    pub(crate) fn memory(&self, name: &str) -> f64 {
        let read = |file: &str| fs::read_to_string(format!("/proc/{}/{file}", self.process.id())).unwrap();
        while !read("stat").rsplit(')').next().unwrap().trim_start().starts_with('S') {
            std::thread::yield_now();
        }
        let status = read("status");
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap();
        line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() * 1024.0
    }

    /// The processor time of all its threads so far, in seconds.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        let threads = fs::read_dir(format!("/proc/{}/task", self.process.id())).unwrap();
        let nanoseconds = |path| fs::read_to_string(path).ok()?.split(' ').next()?.parse::<f64>().ok();
        threads.filter_map(|thread| nanoseconds(thread.unwrap().path().join("schedstat"))).sum::<f64>() / 1e9
    }
}

impl Drop for Plugin {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The runtime for the calls.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Requests the schema, which is the first call of Terraform.
pub(crate) async fn schema(client: &Client) -> v6::get_provider_schema::Response {
    let request = v6::get_provider_schema::Request::default();
    client.call("/tfplugin6.Provider/GetProviderSchema", request).await.unwrap()
}

/// The configuration of a data source with these images.
pub(crate) fn data_block(ids: &[String]) -> v6::DynamicValue {
    let ids = Value::list(ids.iter().map(|id| Value::string(&**id)));
    let ty = data_source_type();
    dynamic(&ty, &block(&ty, &[("ids", ids)]))
}

/// The ids of the emulator's first images.
pub(crate) fn ids(images: usize) -> Vec<String> {
    (1..=images).map(|image| format!("img-{image:010}")).collect()
}
