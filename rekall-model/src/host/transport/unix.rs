//! A Unix socket in a folder that is the user's alone.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, SendFlags, SocketAddrUnix, SocketType, connect, send};

use crate::host::error::HostError;

/// Where the processes of this user meet, unless told otherwise.
pub(crate) fn folder() -> io::Result<PathBuf> {
    let base = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|base| base.is_absolute());
    Ok(match base {
        Some(base) => base.join("rekall"),
        None => std::env::temp_dir().join(format!("rekall-{}", user())),
    })
}

/// Processes of one user may all share.
pub(crate) fn privileges() -> io::Result<&'static str> {
    Ok("")
}

fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Makes the folder, or checks that it is the user's own and nobody else's: whoever can write there could answer.
pub(crate) fn make_private(folder: &Path) -> Result<(), HostError> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error.into()),
        _ => {}
    }
    let refused =
        |expected: String, got: String| HostError::Folder { path: folder.to_owned(), expected, got };
    let found = folder.symlink_metadata()?;
    let user = user();
    if !found.is_dir() {
        return Err(refused("a folder".into(), "a link or a file".into()));
    }
    if found.uid() != user {
        return Err(refused(format!("a folder of user {user}"), format!("one of user {}", found.uid())));
    }
    match found.mode() & 0o777 {
        mode if mode & 0o077 == 0 => Ok(()),
        mode => Err(refused("a folder of mode 700".into(), format!("mode {mode:o}"))),
    }
}

/// Opens a file that nothing is written to, for its lock.
pub(crate) fn open_lock(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)
}

/// What ends the accepting of connections.
#[derive(Debug)]
pub(crate) struct Signal {
    raised: UnixStream,
    watched: UnixStream,
}

impl Signal {
    pub(crate) fn new() -> io::Result<Self> {
        let (raised, watched) = UnixStream::pair()?;
        Ok(Self { raised, watched })
    }

    /// From now on it stays raised.
    pub(crate) fn raise(&self) {
        drop(self.raised.shutdown(Shutdown::Both));
    }
}

/// A socket that others find by its path.
#[derive(Debug)]
pub(crate) struct Listener(UnixListener);

impl Listener {
    /// Makes the socket, in the place of one that is there.
    pub(crate) fn bind(path: &Path) -> io::Result<Self> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(path)?;
        listener.set_nonblocking(true)?;
        Ok(Self(listener))
    }

    /// Waits for the next connection; `None` once the signal is raised.
    pub(crate) fn accept(&mut self, signal: &Signal) -> io::Result<Option<Stream>> {
        loop {
            let mut ready =
                [PollFd::new(&self.0, PollFlags::IN), PollFd::new(&signal.watched, PollFlags::IN)];
            match poll(&mut ready, None) {
                Ok(_) => {}
                Err(Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            }
            if !ready[1].revents().is_empty() {
                return Ok(None);
            }
            match self.0.accept() {
                Ok((stream, _)) => return Stream::new(stream).map(Some),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// One end of a connection.
#[derive(Debug)]
pub(crate) struct Stream(UnixStream);

impl Stream {
    fn new(stream: UnixStream) -> io::Result<Self> {
        // Accepted sockets may have this from the listener.
        stream.set_nonblocking(false)?;
        #[cfg(target_vendor = "apple")]
        rustix::net::sockopt::set_socket_nosigpipe(&stream, true)?;
        Ok(Self(stream))
    }

    /// Connects with who listens at a path. There is something to wait for where more have connected than a listener's queue has
    /// room for, as they have with a process that was stopped: Linux waits for as long as the socket may take to send, the
    /// others refuse at once.
    pub(crate) fn connect(path: &Path, within: Duration) -> io::Result<Self> {
        let address = SocketAddrUnix::new(path)?;
        let socket = socket()?;
        set_socket_timeout(&socket, Timeout::Send, Some(within))?;
        loop {
            match connect(&socket, &address) {
                Ok(()) => return Self::new(socket.into()),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    pub(crate) fn set_read_timeout(&mut self, within: Option<Duration>) -> io::Result<()> {
        self.0.set_read_timeout(within)
    }

    pub(crate) fn set_write_timeout(&mut self, within: Option<Duration>) -> io::Result<()> {
        self.0.set_write_timeout(within)
    }

    /// Sends the beginning of `bytes`, and says how many they were.
    pub(crate) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        // A host's program may not ignore the signal that writing to a closed socket sends, as Rust's own do.
        #[cfg(not(target_vendor = "apple"))]
        let flags = SendFlags::NOSIGNAL;
        #[cfg(target_vendor = "apple")]
        let flags = SendFlags::empty();
        loop {
            match send(&self.0, bytes, flags) {
                Err(Errno::INTR) => {}
                sent => return Ok(sent?),
            }
        }
    }

    pub(crate) fn ender(&self) -> io::Result<Ender> {
        self.0.try_clone().map(Ender)
    }

    /// Refuses a process of another user: the folder keeps those out already, except the administrator.
    #[cfg(target_os = "linux")]
    pub(crate) fn check_peer(&self) -> Result<(), HostError> {
        let peer = rustix::net::sockopt::socket_peercred(&self.0).map_err(io::Error::from)?.uid.as_raw();
        let user = user();
        if peer == user {
            return Ok(());
        }
        let (expected, got) = (format!("a process of user {user}"), format!("one of user {peer}"));
        Err(HostError::message("a connection", expected, got))
    }

    /// Who is at the other end is not asked: the folder keeps other users out, except the administrator.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn check_peer(&self) -> Result<(), HostError> {
        Ok(())
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

#[cfg(not(any(target_vendor = "apple", target_os = "aix", target_os = "haiku")))]
fn socket() -> io::Result<OwnedFd> {
    use rustix::net::{SocketFlags, socket_with};

    Ok(socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?)
}

#[cfg(any(target_vendor = "apple", target_os = "aix", target_os = "haiku"))]
fn socket() -> io::Result<OwnedFd> {
    let socket = rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None)?;
    rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::CLOEXEC)?;
    Ok(socket)
}

/// Ends a connection from elsewhere.
#[derive(Debug)]
pub(crate) struct Ender(UnixStream);

impl Ender {
    pub(crate) fn end(&self) {
        drop(self.0.shutdown(Shutdown::Both));
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::host::transport::is_late;

    fn refusal(folder: &Path) -> String {
        make_private(folder).unwrap_err().to_string()
    }

    #[test]
    fn a_folder_that_others_have_a_hand_in_is_refused() {
        let base = tempfile::tempdir().unwrap();
        let folder = base.path().join("rekall");
        make_private(&folder).unwrap();
        assert_eq!(folder.metadata().unwrap().mode() & 0o777, 0o700);
        std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o770)).unwrap();
        assert!(refusal(&folder).ends_with("expected a folder of mode 700, got mode 770"));
        let link = base.path().join("link");
        std::os::unix::fs::symlink(base.path(), &link).unwrap();
        assert!(refusal(&link).ends_with("expected a folder, got a link or a file"));
        // One of another user, where this process may make one.
        std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o700)).unwrap();
        if std::os::unix::fs::chown(&folder, Some(12_345), None).is_ok() {
            assert!(refusal(&folder).ends_with("got one of user 12345"));
        }
    }

    /// As it is with a process that was stopped.
    #[test]
    fn a_listener_that_accepts_nothing_does_not_hold_up_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.socket");
        let listener = Listener::bind(&path).unwrap();
        rustix::net::listen(&listener.0, 1).unwrap();
        let mut waiting = Vec::new();
        let refused = loop {
            match Stream::connect(&path, Duration::from_millis(1)) {
                Ok(stream) => waiting.push(stream),
                Err(error) => break error,
            }
            assert!(waiting.len() < 100, "the queue has an end");
        };
        let linux = cfg!(target_os = "linux");
        assert!(if linux { is_late(&refused) } else { !waiting.is_empty() }, "{refused}");
    }
}
