//! Signals: a signal that ends the process leaves neither socket nor directory. Interrupts are for the host to handle.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::{Options, Plugin, eventually, handshake_of_reattach, has_ended, runtime};

/// Whether the tests run where hang-ups are ignored, as under `nohup`: then the provider inherits that. Elsewhere than on
/// Linux the provider cannot tell, and ignores them where a host started it.
fn hang_ups_are_ignored() -> bool {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return true };
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
    u64::from_str_radix(ignored.trim(), 16).unwrap() & 1 == 1
}

/// Sends a signal that must end the process.
fn ends_by(mut plugin: Plugin, signal: &str) {
    if signal == "HUP" && hang_ups_are_ignored() {
        println!("not run: hang-ups are ignored here");
        return;
    }
    assert_eq!(plugin.left_behind().len(), 1, "one directory, with the socket");
    plugin.signal(signal);
    assert!(plugin.wait().success(), "{signal}");
    assert_eq!(plugin.left_behind(), Vec::<PathBuf>::new(), "{signal}");
}

fn healthy(plugin: &Plugin) {
    let health = runtime().block_on(async { plugin.connect_plain().await.health().await });
    assert_eq!(health.unwrap(), 1);
}

#[test]
fn a_signal_that_ends_the_process_leaves_nothing_behind() {
    for signal in ["TERM", "HUP", "QUIT"] {
        ends_by(Options::plain().start(), signal);
    }
    for signal in ["TERM", "HUP", "QUIT", "INT"] {
        ends_by(Options::person().start_debug(), signal);
    }
}

#[test]
fn a_signal_during_a_call_leaves_nothing_behind_either() {
    for signal in ["TERM", "HUP", "QUIT"] {
        let plugin = Options::plain().start();
        runtime().block_on(async {
            let client = plugin.connect_plain().await;
            let _stream = client.stream::<()>("/plugin.GRPCStdio/StreamStdio").await.unwrap();
            ends_by(plugin, signal);
        });
    }
}

#[test]
fn ctrl_c_is_for_the_host_to_handle() {
    let plugin = Options::plain().start();
    for _ in 0..100 {
        plugin.signal("INT");
    }
    healthy(&plugin);
    ends_by(plugin, "TERM");
}

/// `nohup terraform apply` must outlive the terminal, and so must its provider.
#[cfg(target_os = "linux")]
#[test]
fn a_hang_up_that_the_host_ignores_is_ignored() {
    let options =
        [Options::plain(), Options::person()].map(|options| options.shell("trap '' HUP; exec \"$0\" \"$@\""));
    let [host, person] = options;
    for plugin in [host.start(), person.start_debug()] {
        plugin.signal("HUP");
        healthy(&plugin);
        ends_by(plugin, "TERM");
    }
}

/// The developer's terminal window is closed while a provider runs in it.
#[test]
fn the_end_of_the_terminal_ends_a_debugged_provider() {
    if !cfg!(target_os = "linux") {
        println!("not run: the command script of other systems has other options");
        return;
    }
    if hang_ups_are_ignored() {
        println!("not run: hang-ups are ignored here, as under nohup");
        return;
    }
    let options = Options::person().argument("-debug");
    let terminal = Command::new("script")
        .args(["--quiet", "--command", "exec \"$PROVIDER\" -debug", "/dev/null"])
        .envs(&options.variables)
        .env("PROVIDER", crate::support::BINARY)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut terminal) = terminal else {
        println!("not run: the command script (util-linux), which opens a terminal, is missing");
        return;
    };
    let output = std::io::BufReader::new(terminal.stdout.take().unwrap());
    let lines = std::io::BufRead::lines(output).map_while(Result::ok);
    let line = lines.into_iter().find(|line| line.contains("TF_REATTACH_PROVIDERS='")).unwrap();
    let socket = PathBuf::from(handshake_of_reattach(&line).split('|').nth(3).unwrap());
    let pid = pid_of(&line);
    assert!(socket.exists() && !has_ended(pid));
    terminal.kill().unwrap();
    terminal.wait().unwrap();
    eventually("the provider ends", || has_ended(pid));
    let left: Vec<_> = Path::new(options.temp.path()).read_dir().unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

fn pid_of(reattach: &str) -> u32 {
    let digits = reattach.split_once("\"Pid\":").unwrap().1;
    digits.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap()
}
