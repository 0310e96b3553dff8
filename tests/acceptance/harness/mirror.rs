//! A filesystem mirror with the provider for each protocol.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::cli::Cli;

const BINARY: &str = env!("CARGO_BIN_EXE_terraform-provider-jdcloud");
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The plugin protocol of a case.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Protocol {
    /// Of Terraform before 0.15, and supported by all versions; forced here.
    V5,
    /// Selected by Terraform by default.
    V6,
}

impl Protocol {
    /// The gRPC service that is used, and the one that is not.
    pub(crate) fn services(self) -> [&'static str; 2] {
        let both = ["/tfplugin5.Provider/", "/tfplugin6.Provider/"];
        if self == Self::V5 { both } else { [both[1], both[0]] }
    }

    /// The directory of the mirror, which the first call makes.
    pub(crate) fn mirror(self) -> &'static Path {
        static MIRRORS: OnceLock<[PathBuf; 2]> = OnceLock::new();
        let [v5, v6] = MIRRORS.get_or_init(|| [Self::V5, Self::V6].map(Self::build_mirror));
        if self == Self::V5 { v5 } else { v6 }
    }

    fn build_mirror(self) -> PathBuf {
        let mirror = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("acceptance-mirror-{self:?}"));
        let cli = Cli::get();
        let package = mirror.join(cli.registry()).join("jdcloud/jdcloud").join(VERSION).join(cli.platform());
        fs::create_dir_all(&package).unwrap();
        let provider = package.join(format!("terraform-provider-jdcloud_v{VERSION}"));
        // Made beside the package and then moved, because another test run may read the package.
        let new = mirror.join(format!("new-{}", std::process::id()));
        match self {
            Self::V6 => symlink(BINARY, &new).unwrap(),
            Self::V5 => {
                let script = format!("#!/bin/sh\nPLUGIN_PROTOCOL_VERSIONS=5 exec '{BINARY}' \"$@\"\n");
                fs::write(&new, script).unwrap();
                fs::set_permissions(&new, fs::Permissions::from_mode(0o755)).unwrap();
            }
        }
        fs::rename(new, provider).unwrap();
        mirror
    }
}
