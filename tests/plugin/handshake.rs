//! Starting the binary: the messages for a person, and the handshake line for a host.

use std::os::unix::fs::PermissionsExt;

use crate::support::{COOKIE, Identity, Options};

#[test]
fn a_person_who_starts_the_binary_gets_an_explanation() {
    let (status, output, message) = Options::person().run();
    assert_eq!(status.code(), Some(1));
    assert_eq!(output, "");
    assert!(
        message.contains("is a plugin") && message.contains("registry.terraform.io/jdcloud/jdcloud"),
        "{message}"
    );

    // Even with a host's variables.
    for flag in ["--version", "-version", "-v"] {
        let (status, output, _) = Options::plain().argument(flag).run();
        assert!(status.success());
        assert_eq!(output, concat!("terraform-provider-jdcloud ", env!("CARGO_PKG_VERSION"), "\n"));
    }
    let (status, output, _) = Options::person().argument("--help").run();
    assert!(status.success() && output.contains("-debug") && output.contains("TF_LOG"), "{output}");

    let (status, _, message) = Options::plain().argument("--frobnicate").run();
    assert_eq!(status.code(), Some(1));
    assert!(message.contains("accepts only --help") && message.contains("--frobnicate"), "{message}");
}

#[test]
fn a_wrong_magic_cookie_is_treated_as_none() {
    for cookie in ["", "x", &COOKIE.to_uppercase(), &format!("{COOKIE}{COOKIE}")] {
        let (status, output, message) = Options::plain().set("TF_PLUGIN_MAGIC_COOKIE", cookie).run();
        assert_eq!(status.code(), Some(1));
        assert_eq!(output, "");
        assert!(message.contains("is a plugin"), "{message}");
    }
}

#[test]
fn the_line_has_the_fields_that_hosts_parse() {
    let identity = Identity::new();
    let plugin = Options::host(&identity).start();
    let fields: Vec<&str> = plugin.handshake.split('|').collect();
    assert_eq!(fields.len(), 6, "{}", plugin.handshake);
    assert_eq!(&fields[..3], ["1", "6", "unix"]);
    assert_eq!(fields[4], "grpc");
    assert!(fields[5].len() > 50 && !fields[5].contains('='), "{}", fields[5]);

    let plugin = Options::plain().start();
    assert!(plugin.handshake.ends_with("|grpc|"), "{}", plugin.handshake);

    let plugin = Options::host(&identity).set("PLUGIN_MULTIPLEX_GRPC", "true").start();
    assert_eq!(plugin.field(7), "false", "{}", plugin.handshake);
}

#[test]
fn the_highest_common_protocol_version_is_chosen() {
    let cases =
        [("5", "5"), ("5,6", "6"), ("6,5,6", "6"), ("", "5"), ("x,,5", "5"), ("7,8", "5"), ("6 , 4", "6")];
    for (list, protocol) in cases {
        let plugin = Options::plain().set("PLUGIN_PROTOCOL_VERSIONS", list).start();
        assert_eq!(plugin.field(2), protocol, "{list:?}");
    }
}

#[test]
fn an_invalid_client_certificate_ends_the_process_with_an_error() {
    let (status, output, message) = Options::plain().set("PLUGIN_CLIENT_CERT", "invalid").run();
    assert_eq!(status.code(), Some(1));
    assert_eq!(output, "", "no handshake, so no connection");
    assert!(
        message.starts_with("[ERROR] ") && message.contains("PLUGIN_CLIENT_CERT: not a PEM certificate"),
        "{message}"
    );
}

#[test]
fn a_variable_that_is_not_unicode_is_named() {
    let line = r#"PLUGIN_UNIX_SOCKET_GROUP=$(printf '\377') exec "$0""#;
    let (status, output, message) = Options::plain().shell(line).run();
    assert_eq!((status.code(), output.as_str()), (Some(1), ""));
    assert!(
        message.starts_with("[ERROR] ") && message.contains("PLUGIN_UNIX_SOCKET_GROUP is not valid Unicode"),
        "{message}"
    );
}

#[test]
fn only_its_owner_can_connect_to_the_socket() {
    let plugin = Options::plain().start();
    let socket = plugin.socket();
    let dir = socket.parent().unwrap();
    assert_eq!(dir.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(dir.parent().unwrap(), plugin.temp());

    let elsewhere = tempfile::tempdir().unwrap();
    let plugin = Options::plain().set("PLUGIN_UNIX_SOCKET_DIR", elsewhere.path().to_str().unwrap()).start();
    assert!(plugin.socket().starts_with(elsewhere.path()), "{}", plugin.handshake);
}

#[test]
fn a_group_can_be_given_access_to_the_socket() {
    let elsewhere = tempfile::tempdir().unwrap();
    let dir = elsewhere.path().to_str().unwrap();
    let options = || Options::plain().set("PLUGIN_UNIX_SOCKET_DIR", dir);
    // By name and by number.
    for form in ["-gn", "-g"] {
        let group = std::process::Command::new("id").arg(form).output().unwrap().stdout;
        let group = String::from_utf8(group).unwrap();
        let mut plugin = options().set("PLUGIN_UNIX_SOCKET_GROUP", group.trim()).start();
        let socket = plugin.socket();
        assert_eq!(
            socket.parent().unwrap(),
            elsewhere.path(),
            "the group has no access to a private directory"
        );
        assert_eq!(socket.metadata().unwrap().permissions().mode() & 0o777, 0o660);
        plugin.signal("TERM");
        plugin.wait();
        assert!(!socket.exists());
        assert_eq!(elsewhere.path().read_dir().unwrap().count(), 0, "something is left behind");
    }

    let (status, _, message) = options().set("PLUGIN_UNIX_SOCKET_GROUP", "no-such-group").run();
    assert_eq!(status.code(), Some(1));
    assert!(message.contains("PLUGIN_UNIX_SOCKET_GROUP: there is no group \"no-such-group\""), "{message}");
}

#[test]
fn an_unusable_temporary_directory_is_replaced_by_tmp() {
    let temp = tempfile::tempdir().unwrap();
    for name in ["long".repeat(30), "a|b".to_owned(), "missing/dir".to_owned()] {
        let dir = temp.path().join(&name);
        if !name.starts_with("missing") {
            std::fs::create_dir(&dir).unwrap();
        }
        let plugin = Options::plain().set("TMPDIR", dir.to_str().unwrap()).start();
        assert!(plugin.socket().starts_with("/tmp"), "{}", plugin.handshake);
    }
    let missing = temp.path().join("missing/dir");
    let (status, _, message) =
        Options::plain().set("PLUGIN_UNIX_SOCKET_DIR", missing.to_str().unwrap()).run();
    assert_eq!(status.code(), Some(1));
    assert!(
        message.contains("a socket cannot be created in") && message.contains("missing/dir"),
        "{message}"
    );
}
