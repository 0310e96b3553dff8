//! Reads the files that settings name. Only regular files of limited size are read, so that a pipe or a device is an error
//! and does not block the process. Reading blocks: do not call it on the event loop.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::path::Path;

/// The maximum file size. A bundle of all public certificate authorities has a quarter of it.
const MAX_SIZE: u64 = 1024 * 1024;

/// The content of `path`.
///
/// # Errors
/// The system's, and a file that is not regular or too large.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    // Check before opening: opening a device may have side effects, and opening a pipe waits for its other end.
    check(&path.metadata()?)?;
    let file = open(path)?;
    check(&file.metadata()?)?;
    let mut content = Vec::new();
    // The file may grow while it is read.
    file.take(MAX_SIZE + 1).read_to_end(&mut content)?;
    if content.len() as u64 > MAX_SIZE { Err(too_large()) } else { Ok(content) }
}

/// Checks that [`read`] accepts `path`, without opening it.
///
/// # Errors
/// As [`read`]'s.
pub(crate) fn check_path(path: &Path) -> io::Result<()> {
    check(&path.metadata()?)
}

fn check(metadata: &Metadata) -> io::Result<()> {
    if metadata.is_dir() {
        return Err(io::Error::other("it is a directory"));
    }
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    if metadata.len() > MAX_SIZE { Err(too_large()) } else { Ok(()) }
}

fn too_large() -> io::Error {
    io::Error::other(format!("it is larger than {} MiB", MAX_SIZE >> 20))
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        // If a pipe has replaced the file since the check, do not wait for its other end.
        options.custom_flags(nix::fcntl::OFlag::O_NONBLOCK.bits());
    }
    options.open(path)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn only_small_regular_files_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name| dir.path().join(name);
        fs::write(path("good"), "text").unwrap();
        assert_eq!(read(&path("good")).unwrap(), b"text");
        fs::write(path("large"), vec![b' '; 1024 * 1024 + 1]).unwrap();
        for (name, reason) in [("large", "larger than 1 MiB"), (".", "a directory"), ("none", "No such file")]
        {
            for error in [read(&path(name)).unwrap_err(), check_path(&path(name)).unwrap_err()] {
                assert!(error.to_string().contains(reason), "{name}: {error}");
            }
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_or_a_device_is_an_error_without_waiting() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        for path in [pipe.as_path(), Path::new("/dev/zero")] {
            let error = read(path).unwrap_err();
            assert_eq!(error.to_string(), "it is not a regular file", "{}", path.display());
        }
    }
}
