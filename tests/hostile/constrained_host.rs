//! Hosts without output, disk space, memory, a home directory or certificates.

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::process::{Command, Stdio};

use jdcloud_emulator::{Emulator, Options as EmulatorOptions, Scenario};
use terraform_provider_jdcloud::framework::Value;

use crate::support::{
    Identity, Options, block, data_source_type, dynamic, emulator, eventually, has_ended, runtime, strings,
    texts,
};
use crate::{configure, constraint, read};

#[test]
fn existing_files_in_the_temporary_directory_are_neither_used_nor_changed() {
    let identity = Identity::new();
    let temp = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    // An attacker may guess the name of the socket.
    for name in ["plugin", "pluginsocket", "plugin000000"] {
        symlink(elsewhere.path(), temp.path().join(name)).unwrap();
    }
    std::fs::write(temp.path().join("socket"), "mine").unwrap();
    for options in [
        Options::host(&identity).set("TMPDIR", temp.path().to_str().unwrap()),
        Options::host(&identity).set("PLUGIN_UNIX_SOCKET_DIR", temp.path().to_str().unwrap()),
    ] {
        let plugin = options.start();
        let dir = plugin.socket().parent().unwrap().to_owned();
        let found = dir.symlink_metadata().unwrap();
        assert!(found.is_dir() && !found.is_symlink(), "{}", dir.display());
        assert_eq!(found.uid(), temp.path().metadata().unwrap().uid());
        assert_eq!(found.permissions().mode() & 0o777, 0o700);
        runtime().block_on(async { assert_eq!(plugin.connect(&identity).await.health().await.unwrap(), 1) });
    }
    assert_eq!(
        elsewhere.path().read_dir().unwrap().count(),
        0,
        "something was written through a symbolic link"
    );
    assert_eq!(std::fs::read_to_string(temp.path().join("socket")).unwrap(), "mine");
}

#[test]
fn the_temporary_directory_may_be_a_symbolic_link() {
    let (real, links) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let link = links.path().join("link");
    symlink(real.path(), &link).unwrap();
    let plugin = Options::plain().set("TMPDIR", link.to_str().unwrap()).start();
    assert!(plugin.socket().starts_with(&link));
    runtime().block_on(async { assert_eq!(plugin.connect_plain().await.health().await.unwrap(), 1) });
}

#[test]
fn a_closed_standard_output_is_an_error() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = Options::plain().command().stdout(writer).output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        message.starts_with("[ERROR] ") && message.contains("standard output cannot be written"),
        "{message}"
    );
}

#[test]
fn a_closed_standard_error_means_that_the_host_has_died() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let options = Options::plain().set("TF_LOG", "TRACE");
    let output = options.command().stderr(writer).output().unwrap();
    assert!(output.status.success(), "{:?}", output.status);
    let temp = options.temp.path().read_dir().unwrap().count();
    assert_eq!(temp, 0, "the socket is left behind");
}

#[test]
fn standard_error_may_be_missing_or_full() {
    for redirection in ["2>&-", "2>/dev/null", "2>/dev/full", "</dev/full", "<&-"] {
        let line = format!("exec \"$0\" {redirection}");
        let plugin = Options::plain().set("TF_LOG", "TRACE").shell(&line).start();
        let emulator = emulator(Scenario::default());
        runtime().block_on(async {
            let client = plugin.connect_plain().await;
            configure(&client, &emulator.url()).await;
            assert_eq!(read(&client).await.unwrap(), constraint(), "{redirection}");
        });
    }
}

#[test]
fn standard_output_on_a_full_disk_is_an_error() {
    let (status, _, message) = Options::plain().shell("exec \"$0\" >/dev/full").run();
    assert_eq!(status.code(), Some(1));
    assert!(message.contains("standard output cannot be written: No space left"), "{message}");
}

/// A shell line that mounts a file system over the temporary directory and then executes the binary; `None` where
/// mounting is not permitted.
fn mounted(options: &str) -> Option<String> {
    let unshare = ["unshare", "--user", "--map-root-user", "--mount"];
    let may = Command::new(unshare[0])
        .args(&unshare[1..])
        .args(["mount", "-t", "tmpfs", "none", "/mnt"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !may {
        println!("not run: mounting is not permitted here");
        return None;
    }
    let line = format!("mount -t tmpfs -o {options} none \"$DIR\" && exec \"$0\"");
    Some(format!(
        "PATH=$PATH:/sbin:/usr/sbin:/bin:/usr/bin; exec {} /bin/sh -c '{line}' \"$0\"",
        unshare.join(" ")
    ))
}

#[test]
fn an_unwritable_temporary_directory_is_replaced_and_an_unwritable_socket_directory_reported() {
    for (options, reason) in
        [("size=4k,nr_inodes=1", "No space left on device"), ("ro", "Read-only file system")]
    {
        let Some(line) = mounted(options) else { return };
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().to_str().unwrap();
        let plugin = Options::plain().set("DIR", dir).set("TMPDIR", dir).shell(&line).start();
        assert!(plugin.socket().starts_with("/tmp"), "{}", plugin.handshake);
        runtime().block_on(async { assert_eq!(plugin.connect_plain().await.health().await.unwrap(), 1) });

        let chosen = Options::plain().set("DIR", dir).set("PLUGIN_UNIX_SOCKET_DIR", dir).shell(&line);
        let (status, output, message) = chosen.run();
        assert_eq!((status.code(), output.as_str()), (Some(1), ""));
        assert!(message.contains(dir) && message.contains(reason), "{message}");
    }
}

#[test]
fn a_temporary_directory_without_files_is_replaced() {
    let plugin = Options::plain().set("TMPDIR", "/proc").start();
    assert!(plugin.socket().starts_with("/tmp"), "{}", plugin.handshake);
}

#[test]
fn without_a_home_directory_the_error_lists_the_sources_of_credentials() {
    for options in [Options::plain().unset("HOME"), Options::plain().set("HOME", "")] {
        let plugin = options.start();
        runtime().block_on(async {
            let client = plugin.connect_plain().await;
            assert_eq!(client.configure(&[("region", Value::string("cn-north-1"))]).await, []);
            let diagnostics = read(&client).await.unwrap_err();
            let text = texts(&diagnostics).join("\n");
            assert!(text.contains("JDCLOUD_ACCESS_KEY"), "{text}");
        });
    }
}

#[test]
fn without_system_certificates_mozillas_are_used_and_ca_bundle_still_works() {
    let emulator = Emulator::start(EmulatorOptions { tls: true, ..EmulatorOptions::default() }).unwrap();
    let endpoint = emulator.url();
    for options in [
        Options::plain().set("SSL_CERT_FILE", "/nonexistent"),
        Options::plain().set("SSL_CERT_FILE", "/dev/null").set("SSL_CERT_DIR", "/nonexistent"),
    ] {
        let plugin = options.start();
        runtime().block_on(async {
            let client = plugin.connect_plain().await;
            configure(&client, &endpoint).await;
            let text = texts(&read(&client).await.unwrap_err()).join("\n");
            assert!(text.contains("certificate") && text.contains("ca_bundle"), "{text}");
            let bundle = Value::string(emulator.ca_pem().unwrap());
            client.configure_for(&endpoint, &[("ca_bundle", bundle)]).await;
            assert_eq!(read(&client).await.unwrap(), constraint());
        });
    }
}

#[test]
fn interrupts_during_a_read_are_ignored() {
    let emulator = emulator(Scenario { latency_ms: 700, ..Scenario::default() });
    let plugin = Options::plain().start();
    let result = runtime().block_on(async {
        let client = plugin.connect_plain().await;
        configure(&client, &emulator.url()).await;
        let reader = client.clone();
        let reading = tokio::spawn(async move { read(&reader).await });
        while emulator.counters().in_flight == 0 {
            tokio::task::yield_now().await;
        }
        for _ in 0..200 {
            plugin.signal("INT");
        }
        reading.await.unwrap()
    });
    assert_eq!(result.unwrap(), constraint());
}

/// The tested build needs more memory than a release. What matters is that the limit leads to a result or to a message.
#[test]
fn with_64_mb_of_memory_a_read_works_and_a_huge_response_ends_with_a_message() {
    let emulator = emulator(Scenario::default());
    let mut plugin = Options::plain().shell("ulimit -v 65536; exec \"$0\"").start();
    let ended = runtime().block_on(async {
        let client = plugin.connect_plain().await;
        configure(&client, &emulator.url()).await;
        assert_eq!(read(&client).await.unwrap(), constraint(), "64 MB are enough for a read");
        // A second connection does not have the first one's cache.
        let client = plugin.connect_plain().await;
        configure(&client, &emulator.url()).await;
        emulator.set_scenario(Scenario { huge_body_mb: Some(60), no_gzip: true, ..Scenario::default() });
        let ty = data_source_type();
        let config = dynamic(&ty, &block(&ty, &[("ids", strings(&["img-ubuntu2204"]))]));
        match client.read(config).await {
            Ok(response) => {
                assert!(response.state.is_some() || !response.diagnostics.is_empty());
                false
            }
            Err(_) => true,
        }
    });
    if ended {
        // Rust aborts when memory is exhausted, with a message.
        eventually("the process ends", || has_ended(plugin.pid()));
        plugin.wait();
        let log = plugin.log.all().join("\n");
        assert!(log.contains("memory allocation of"), "{log}");
        println!("{log}");
    }
}
