//! The socket that the host connects to: private from the moment it exists, and removed when the process ends.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use super::PluginEnvironment;

/// Where a plugin listens.
#[derive(Clone, Debug)]
pub(super) enum Address {
    #[cfg_attr(windows, allow(dead_code))]
    Unix(PathBuf),
    #[cfg_attr(unix, allow(dead_code))]
    Tcp(SocketAddr),
}

impl Address {
    /// The network's name in Go's `net` package.
    pub(super) fn network(&self) -> &'static str {
        match self {
            Self::Unix(_) => "unix",
            Self::Tcp(_) => "tcp",
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => path.display().fmt(f),
            Self::Tcp(address) => address.fmt(f),
        }
    }
}

/// Why there is no listener.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// A socket cannot be created in any of the directories that were tried.
    #[error(
        "a socket cannot be created in {dir}: {error}. Set {variable} to a writable directory with a shorter path"
    )]
    Socket {
        /// The first directory tried.
        dir: String,
        /// The variable that it is from.
        variable: &'static str,
        /// The system's error.
        error: io::Error,
    },
    /// The group of `PLUGIN_UNIX_SOCKET_GROUP` cannot become the group of the socket.
    #[error("PLUGIN_UNIX_SOCKET_GROUP: {0}")]
    Group(String),
    /// Every port of the range is in use.
    #[error("no free port from {min} to {max}; PLUGIN_MIN_PORT and PLUGIN_MAX_PORT set the range")]
    Ports {
        /// The first port tried.
        min: u16,
        /// The last port tried.
        max: u16,
    },
}

#[cfg(unix)]
pub(super) use unix::{Listener, Stream};

#[cfg(unix)]
mod unix {
    use std::fs;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use tempfile::TempDir;
    use tokio::net::{UnixListener, UnixStream};

    use super::{Address, ListenError, PathBuf, PluginEnvironment, io};

    pub(in crate::go_plugin) type Stream = UnixStream;

    /// The longest path of a socket: 104 bytes on macOS, 108 on Linux, both with a terminating zero.
    const MAX_PATH: usize = 103;

    /// A listening socket, whose file is removed when it is dropped.
    pub(in crate::go_plugin) struct Listener {
        socket: UnixListener,
        path: PathBuf,
        /// The private directory that holds the socket, or held it before it moved to the host's directory.
        _private_dir: TempDir,
    }

    impl Listener {
        pub(in crate::go_plugin) fn bind(environment: &PluginEnvironment) -> Result<Self, ListenError> {
            let group = environment.socket_group.as_deref();
            if let Some(dir) = &environment.socket_dir {
                // The host looks in this directory only.
                return bind_in(dir, "PLUGIN_UNIX_SOCKET_DIR", group);
            }
            // TMPDIR may be too long for the path of a socket, and a minimal container has no /tmp.
            let temporary = Some(std::env::temp_dir()).filter(|dir| !dir.as_os_str().is_empty());
            let mut bound = bind_in(&temporary.unwrap_or_else(|| "/tmp".into()), "TMPDIR", group);
            for dir in [Ok(PathBuf::from("/tmp")), std::env::current_dir()].into_iter().flatten() {
                if !matches!(bound, Err(ListenError::Socket { .. })) {
                    break;
                }
                bound = bind_in(&dir, "TMPDIR", group).or(bound);
            }
            bound
        }

        pub(in crate::go_plugin) fn address(&self) -> Address {
            Address::Unix(self.path.clone())
        }

        pub(in crate::go_plugin) async fn accept(&self) -> io::Result<Stream> {
            Ok(self.socket.accept().await?.0)
        }
    }

    impl Drop for Listener {
        fn drop(&mut self) {
            // Fails only if the file is already removed.
            let _ = fs::remove_file(&self.path);
        }
    }

    fn bind_in(dir: &Path, variable: &'static str, group: Option<&str>) -> Result<Listener, ListenError> {
        let failed = |error| ListenError::Socket { dir: dir.display().to_string(), variable, error };
        // The directory is private before the socket is created, so other users can connect at no moment.
        let private_dir = tempfile::Builder::new()
            .prefix("plugin")
            .permissions(fs::Permissions::from_mode(0o700))
            .tempdir_in(dir)
            .map_err(failed)?;
        let made = private_dir.path().join("socket");
        if made.as_os_str().as_bytes().len() > MAX_PATH {
            return Err(failed(io::Error::new(
                io::ErrorKind::InvalidFilename,
                "the path is too long for a socket",
            )));
        }
        // The handshake line is text, and `|` separates its fields.
        if made.to_str().is_none_or(|path| path.contains(['|', '\n', '\r'])) {
            return Err(failed(io::Error::new(
                io::ErrorKind::InvalidFilename,
                "the path has a character that the handshake line does not allow",
            )));
        }
        let socket = UnixListener::bind(&made).map_err(failed)?;
        let path = match group {
            None => made,
            Some(group) => {
                set_group(&made, group)?;
                // The host has access to its own directory only. The socket moves there once the group owns it.
                let name = private_dir.path().file_name().unwrap_or_default();
                let path = dir.join(name).with_extension("sock");
                fs::rename(&made, &path).map_err(failed)?;
                path
            }
        };
        Ok(Listener { socket, path, _private_dir: private_dir })
    }

    /// Gives the socket to a group, by name or number, so that its members can connect.
    fn set_group(socket: &Path, group: &str) -> Result<(), ListenError> {
        let id = match group.parse() {
            Ok(id) => id,
            Err(_) => match nix::unistd::Group::from_name(group) {
                Ok(Some(group)) => group.gid.as_raw(),
                Ok(None) => return Err(ListenError::Group(format!("there is no group {group:?}"))),
                Err(error) => {
                    return Err(ListenError::Group(format!("group {group:?} cannot be looked up: {error}")));
                }
            },
        };
        std::os::unix::fs::chown(socket, None, Some(id))
            .and_then(|()| fs::set_permissions(socket, fs::Permissions::from_mode(0o660)))
            .map_err(|error| {
                ListenError::Group(format!("the group of the socket cannot be set to {group:?}: {error}"))
            })
    }
}

#[cfg(windows)]
pub(super) use windows::{Listener, Stream};

#[cfg(windows)]
mod windows {
    use std::net::{Ipv4Addr, SocketAddr};

    use tokio::net::{TcpListener, TcpStream};

    use super::{Address, ListenError, PluginEnvironment, io};

    pub(in crate::go_plugin) type Stream = TcpStream;

    /// A listening port on loopback.
    pub(in crate::go_plugin) struct Listener {
        socket: TcpListener,
        address: SocketAddr,
    }

    impl Listener {
        pub(in crate::go_plugin) fn bind(environment: &PluginEnvironment) -> Result<Self, ListenError> {
            let ports = environment.ports.clone();
            let (min, max) = (*ports.start(), *ports.end());
            for port in ports {
                let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
                let Ok(socket) = std::net::TcpListener::bind(address) else { continue };
                let Ok(()) = socket.set_nonblocking(true) else { continue };
                if let Ok(socket) = TcpListener::from_std(socket) {
                    return Ok(Self { socket, address });
                }
            }
            Err(ListenError::Ports { min, max })
        }

        pub(in crate::go_plugin) fn address(&self) -> Address {
            Address::Tcp(self.address)
        }

        pub(in crate::go_plugin) async fn accept(&self) -> io::Result<Stream> {
            let (stream, _) = self.socket.accept().await?;
            stream.set_nodelay(true)?;
            Ok(stream)
        }
    }
}
