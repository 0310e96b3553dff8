//! Reads the files that settings name: regular ones of a reasonable size, so that a pipe or a device in the place of a
//! file is an error and not a process that hangs. Reading blocks: callers are off the event loop.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::path::Path;

/// The longest file read. A bundle of every public authority has a quarter of it.
const MAX_SIZE: u64 = 1024 * 1024;

/// The content of `path`.
///
/// # Errors
/// The system's, and a file that is not regular or too large.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    // Before it is opened: opening a device may do something, and opening a pipe waits for its other end.
    check(&path.metadata()?)?;
    let file = open(path)?;
    check(&file.metadata()?)?;
    let mut content = Vec::new();
    // It may grow while it is read.
    file.take(MAX_SIZE + 1).read_to_end(&mut content)?;
    if content.len() as u64 > MAX_SIZE { Err(too_large()) } else { Ok(content) }
}

/// Whether `path` can be a file that [`read`] takes, without opening it.
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
        // If a pipe has taken the file's place since it was checked, do not wait for the other end.
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
    fn a_pipe_or_a_device_is_an_error_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        for path in [pipe.as_path(), Path::new("/dev/zero")] {
            let error = read(path).unwrap_err();
            assert_eq!(error.to_string(), "it is not a regular file", "{}", path.display());
        }
    }
}
