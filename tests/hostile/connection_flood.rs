//! Many connections, and slow ones, besides the host's own.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use jdcloud_emulator::Scenario;

use crate::support::{Identity, Options, emulator, eventually, open_files, process_status, raw, runtime};
use crate::{configure, constraint, read};

/// As many connections as the limit of open files allows, up to a thousand.
fn connection_count() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
    let files = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
    let soft: usize = files.split_whitespace().next().unwrap().parse().unwrap_or(usize::MAX);
    soft.saturating_sub(300).min(1_000)
}

#[test]
fn a_thousand_connections_do_not_block_the_host() {
    let identity = Identity::new();
    let emulator = emulator(Scenario::default());
    let plugin = Options::host(&identity).start();
    runtime().block_on(async {
        let client = plugin.connect(&identity).await;
        configure(&client, &emulator.url()).await;
        let before = (open_files(plugin.pid()), process_status(plugin.pid(), "VmRSS"));
        let hello = [22, 3, 1, 2, 0, 1];
        let flood: Vec<UnixStream> = (0..connection_count())
            .map(|number| {
                let mut stream = raw(&plugin.socket());
                // A third sends nothing, a third a part of a handshake, a third another protocol.
                match number % 3 {
                    0 => {}
                    1 => stream.write_all(&hello).unwrap(),
                    _ => drop(stream.write_all(b"GET / HTTP/1.1\r\n\r\n")),
                }
                stream
            })
            .collect();
        assert_eq!(read(&client).await.unwrap(), constraint());
        let another = plugin.connect(&identity).await;
        assert_eq!(another.health().await.unwrap(), 1, "the host can connect again");
        let more = process_status(plugin.pid(), "VmRSS").saturating_sub(before.1);
        assert!(more < 150 << 10, "{more} kB more for {} connections", flood.len());
        println!("{} connections: {more} kB more", flood.len());
        drop(flood);
        // The host's two connections, and the kept one to the API.
        eventually("the sockets of the flood are closed", || open_files(plugin.pid()) <= before.0 + 3);
        assert_eq!(read(&client).await.unwrap(), constraint());
    });
}

/// Takes as long as the provider waits for a TLS handshake: ten seconds.
#[test]
fn a_client_that_does_not_finish_the_handshake_is_disconnected() {
    let identity = Identity::new();
    let plugin = Options::host(&identity).start();
    let mut slow: Vec<UnixStream> = (0..20).map(|_| raw(&plugin.socket())).collect();
    for stream in &mut slow {
        stream.write_all(&[22]).unwrap();
    }
    runtime().block_on(async {
        let client = plugin.connect(&identity).await;
        assert_eq!(client.health().await.unwrap(), 1);
        for mut stream in slow {
            // Ends when the provider closes the stream; a timeout would be an error.
            let mut response = Vec::new();
            stream.read_to_end(&mut response).unwrap();
        }
        assert_eq!(client.health().await.unwrap(), 1);
    });
}

#[test]
fn an_incomplete_http2_preface_does_not_block_others() {
    let emulator = emulator(Scenario::default());
    let plugin = Options::plain().start();
    runtime().block_on(async {
        let client = plugin.connect_plain().await;
        configure(&client, &emulator.url()).await;
        let mut slow: Vec<UnixStream> = (0..200).map(|_| raw(&plugin.socket())).collect();
        for (number, stream) in slow.iter_mut().enumerate() {
            let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
            stream.write_all(&preface[..number % preface.len()]).unwrap();
        }
        assert_eq!(read(&client).await.unwrap(), constraint());
        assert_eq!(plugin.connect_plain().await.health().await.unwrap(), 1);
    });
}

/// Each connection and each file takes a file descriptor. Running out of them must not stop the provider for good.
#[test]
fn with_32_file_descriptors_a_flood_only_delays() {
    let emulator = emulator(Scenario::default());
    let mut plugin = Options::plain().shell("ulimit -n 32; exec \"$0\"").start();
    runtime().block_on(async {
        let client = plugin.connect_plain().await;
        configure(&client, &emulator.url()).await;
        assert_eq!(read(&client).await.unwrap(), constraint(), "32 are enough for a read");
        let flood: Vec<UnixStream> = (0..100).map(|_| raw(&plugin.socket())).collect();
        eventually("the descriptors are used up", || open_files(plugin.pid()) >= 32);
        assert_eq!(client.health().await.unwrap(), 1);
        // Needs a descriptor unless the connection to the API was kept; it works or gives the reason.
        if let Err(diagnostics) = read(&client).await {
            assert!(diagnostics[0].detail.contains("Too many open files"), "{diagnostics:?}");
        }
        drop(flood);
        eventually("the descriptors are free again", || open_files(plugin.pid()) < 32);
        assert_eq!(plugin.connect_plain().await.health().await.unwrap(), 1);
        assert_eq!(read(&client).await.unwrap(), constraint());
    });
    assert!(plugin.is_running());
}
