//! The way to a host, without what its clients know of it: a Unix socket, or a pipe of Windows that a file names.

#[cfg(unix)]
pub(crate) use std::os::unix::net::UnixStream as Wire;
#[cfg(windows)]
pub(crate) type Wire = std::fs::File;

use std::path::Path;

#[cfg(unix)]
pub(crate) fn connect(socket: &Path) -> Wire {
    Wire::connect(socket).unwrap()
}

#[cfg(windows)]
pub(crate) fn connect(socket: &Path) -> Wire {
    /// All instances have a client, and the next one is not made yet.
    const ERROR_PIPE_BUSY: i32 = 231;

    let name = format!(r"\\.\pipe\{}", std::fs::read_to_string(socket).unwrap());
    loop {
        match std::fs::OpenOptions::new().read(true).write(true).open(&name) {
            Ok(pipe) => return pipe,
            Err(error) if error.raw_os_error() == Some(ERROR_PIPE_BUSY) => std::thread::yield_now(),
            Err(error) => panic!("{error}"),
        }
    }
}
