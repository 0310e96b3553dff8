//! Parses arbitrary bytes as a host's variables: an error, or a configuration that has the certificate if there is one.
//!
//! Zero bytes separate the values, in the order of the names below.
#![no_main]

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use libfuzzer_sys::fuzz_target;
use terraform_provider_jdcloud::go_plugin::PluginEnvironment;

const COOKIE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";
const NAMES: [&str; 6] = [
    "PLUGIN_CLIENT_CERT",
    "PLUGIN_PROTOCOL_VERSIONS",
    "PLUGIN_UNIX_SOCKET_DIR",
    "PLUGIN_UNIX_SOCKET_GROUP",
    "PLUGIN_MULTIPLEX_GRPC",
    "PLUGIN_MIN_PORT",
];

fuzz_target!(|input: &[u8]| {
    let values: Vec<&[u8]> = input.split(|byte| *byte == 0).collect();
    let lookup = |name: &str| -> Option<OsString> {
        if name == "TF_PLUGIN_MAGIC_COOKIE" {
            return Some(COOKIE.into());
        }
        let position = NAMES.iter().position(|known| *known == name)?;
        values.get(position).map(|value| OsString::from_vec(value.to_vec()))
    };
    let certificate = !values[0].is_empty();
    match PluginEnvironment::read(lookup) {
        Ok(environment) => {
            let shown = format!("{environment:?}");
            assert_eq!(shown.contains("client_certificate: Some"), certificate, "{shown}");
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
