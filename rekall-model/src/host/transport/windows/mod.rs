//! A named pipe of Windows, which the user alone may open.
//!
//! Pipes have no place in a folder, and a pipe's name stays taken for as long as any process has an end of it, also when the process that
//! served it was killed. So each listener makes a pipe with a name that no other has, and a file at its path says which. That file
//! need not be believed: who connects asks the system whose the pipe is before a byte is sent.

use std::fs::{File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read};
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::{AsHandle, OwnedHandle};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use windows_sys::Win32::Foundation::{
    ERROR_BROKEN_PIPE, ERROR_NO_DATA, ERROR_PIPE_BUSY, ERROR_PIPE_NOT_CONNECTED,
};
use windows_sys::Win32::Storage::FileSystem::{FILE_FLAG_OVERLAPPED, SECURITY_IDENTIFICATION};

use self::overlapped::Event;
use crate::host::error::HostError;

mod overlapped;
mod pipe;
mod security;

/// Where pipes are.
const PIPES: &str = r"\\.\pipe\";

/// More than the name of a pipe has bytes.
const MAX_NAME: u64 = 512;

/// Where the processes of this user meet, unless told otherwise.
pub(crate) fn folder() -> io::Result<PathBuf> {
    let base = std::env::var_os("LOCALAPPDATA").map(PathBuf::from).filter(|base| base.is_absolute());
    Ok(match base {
        Some(base) => base.join("rekall").join("host"),
        None => std::env::temp_dir().join(format!("rekall-{}", security::user()?)),
    })
}

/// What a process may do that others of the user may not. One that runs as an administrator does not look for rows where one that does
/// not serves them: an order among honest programs, since the owner of both pipes is the same.
pub(crate) fn privileges() -> io::Result<&'static str> {
    Ok(if security::is_elevated()? { " elevated" } else { "" })
}

/// Makes the folder. It is the pipe that keeps others out: whoever could write here could keep processes from sharing, and no more.
pub(crate) fn make_private(folder: &Path) -> Result<(), HostError> {
    std::fs::create_dir_all(folder)?;
    if folder.symlink_metadata()?.is_dir() {
        return Ok(());
    }
    let (expected, got) = ("a folder".into(), "a link or a file".into());
    Err(HostError::Folder { path: folder.to_owned(), expected, got })
}

/// Opens a file that nothing is written to, for its lock.
pub(crate) fn open_lock(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).truncate(false).write(true).open(path)
}

/// What ends the accepting of connections.
#[derive(Debug)]
pub(crate) struct Signal(Event);

impl Signal {
    pub(crate) fn new() -> io::Result<Self> {
        Event::new().map(Self)
    }

    /// From now on it stays raised.
    pub(crate) fn raise(&self) {
        if let Err(error) = self.0.set() {
            tracing::warn!(%error, "the host of a model is not told to end");
        }
    }
}

/// A pipe that others find by the file at its path.
#[derive(Debug)]
pub(crate) struct Listener {
    name: String,
    user: String,
    /// The instance that the next client gets. There always is one, so that the name is never free.
    next: OwnedHandle,
}

impl Listener {
    /// Makes the pipe, and writes its name in the place of one that is there.
    pub(crate) fn bind(path: &Path) -> io::Result<Self> {
        let user = security::user()?;
        let own = own_name(path)?;
        let name = format!("{PIPES}{own}");
        let next = pipe::create(&name, &user, true)?;
        // Who reads half of it finds no name, and reads again.
        std::fs::write(path, own)?;
        Ok(Self { name, user, next })
    }

    /// Waits for the next connection; `None` once the signal is raised.
    pub(crate) fn accept(&mut self, signal: &Signal) -> io::Result<Option<Stream>> {
        let came = overlapped::wait_for_client(self.next.as_handle(), &signal.0);
        let next = match came {
            Ok(false) => return Ok(None),
            Ok(true) => pipe::create(&self.name, &self.user, false),
            Err(error) => Err(error),
        };
        match next {
            Ok(next) => Ok(Some(Stream::new(std::mem::replace(&mut self.next, next), Peer::Client))),
            Err(error) => {
                // Such as that of a client that has gone already. The instance is for the next one.
                pipe::disconnect(self.next.as_handle());
                Err(error)
            }
        }
    }
}

/// Who is at the other end.
#[derive(Debug, Clone, Copy)]
enum Peer {
    Client,
    Server,
}

/// One end of a connection.
#[derive(Debug)]
pub(crate) struct Stream {
    pipe: OwnedHandle,
    peer: Peer,
    read_timeout: Option<Duration>,
    write_timeout: Option<Duration>,
}

impl Stream {
    fn new(pipe: OwnedHandle, peer: Peer) -> Self {
        Self { pipe, peer, read_timeout: None, write_timeout: None }
    }

    /// Connects with who listens at a path. There is something to wait for where others have connected and not been accepted
    /// yet: a pipe has room for one of those.
    pub(crate) fn connect(path: &Path, within: Duration) -> io::Result<Self> {
        let name = format!("{PIPES}{}", name_at(path)?);
        let begin = Instant::now();
        loop {
            // Whoever serves the pipe may see which user this is, and may not act as that user.
            let opened = OpenOptions::new()
                .read(true)
                .write(true)
                .share_mode(0)
                .custom_flags(FILE_FLAG_OVERLAPPED)
                .security_qos_flags(SECURITY_IDENTIFICATION)
                .open(&name);
            match opened {
                Ok(pipe) => return Ok(Self::new(pipe.into(), Peer::Server)),
                Err(error) if is(&error, ERROR_PIPE_BUSY) => {
                    let left = within.saturating_sub(begin.elapsed());
                    if left.is_zero() {
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                    pipe::wait_for_instance(&name, left)?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    pub(crate) fn set_read_timeout(&mut self, within: Option<Duration>) -> io::Result<()> {
        self.read_timeout = within;
        Ok(())
    }

    pub(crate) fn set_write_timeout(&mut self, within: Option<Duration>) -> io::Result<()> {
        self.write_timeout = within;
        Ok(())
    }

    /// Sends the beginning of `bytes`, and says how many they were.
    pub(crate) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        // As much at a time as a pipe has room for: each part has the whole time.
        let part = &bytes[..bytes.len().min(pipe::BUFFER as usize)];
        overlapped::write(self.pipe.as_handle(), part, self.write_timeout).map_err(or_gone)
    }

    pub(crate) fn ender(&self) -> io::Result<Ender> {
        self.pipe.try_clone().map(Ender)
    }

    /// Refuses a process of another user, and a pipe of one: the pipe lets none in, and nobody can make one in this user's name,
    /// except the administrator.
    pub(crate) fn check_peer(&self) -> Result<(), HostError> {
        let pipe = self.pipe.as_handle();
        let peer = match self.peer {
            Peer::Client => security::client_of(pipe),
            Peer::Server => security::owner_of(pipe),
        };
        let peer = peer.map_err(or_gone)?;
        let user = security::user()?;
        if peer == user {
            return Ok(());
        }
        let (expected, got) = (format!("a process of user {user}"), format!("one of user {peer}"));
        Err(HostError::message("a connection", expected, got))
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        match overlapped::read(self.pipe.as_handle(), buffer, self.read_timeout) {
            Err(error) if is_gone(&error) => Ok(0),
            read => read,
        }
    }
}

/// Ends a connection from elsewhere. Of one that was accepted.
#[derive(Debug)]
pub(crate) struct Ender(OwnedHandle);

impl Ender {
    pub(crate) fn end(&self) {
        pipe::disconnect(self.0.as_handle());
    }
}

/// Whether an error is this one of the system's.
fn is(error: &io::Error, number: u32) -> bool {
    error.raw_os_error() == Some(number.cast_signed())
}

/// Whether an error says that there is nobody at the other end.
fn is_gone(error: &io::Error) -> bool {
    [ERROR_BROKEN_PIPE, ERROR_NO_DATA, ERROR_PIPE_NOT_CONNECTED].iter().any(|&number| is(error, number))
}

/// Such an error by the kind that it has with a socket.
fn or_gone(error: io::Error) -> io::Error {
    if is_gone(&error) { io::ErrorKind::BrokenPipe.into() } else { error }
}

/// As the system's functions take a text.
fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}

/// What names of pipes for a path begin with.
fn prefix(path: &Path) -> io::Result<String> {
    match path.file_stem().and_then(|stem| stem.to_str()) {
        Some(stem) => Ok(format!("rekall-{stem}-")),
        None => Err(io::ErrorKind::InvalidInput.into()),
    }
}

/// A name that no pipe has, nor ever had.
fn own_name(path: &Path) -> io::Result<String> {
    let random = || RandomState::new().hash_one(std::process::id());
    Ok(format!("{}{:016x}{:016x}", prefix(path)?, random(), random()))
}

/// The name in the file at a path. What is no such name is as if it were not there.
fn name_at(path: &Path) -> io::Result<String> {
    let mut name = Vec::new();
    File::open(path)?.take(MAX_NAME).read_to_end(&mut name)?;
    let prefix = prefix(path)?;
    let is_random = |end: &str| end.len() == 32 && end.bytes().all(|byte| byte.is_ascii_hexdigit());
    match String::from_utf8(name) {
        Ok(name) if name.strip_prefix(&prefix).is_some_and(is_random) => Ok(name),
        _ => Err(io::ErrorKind::NotFound.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::transport::{is_late, pair};

    #[test]
    fn only_the_name_of_such_a_pipe_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("0a1b.socket");
        let name = own_name(&path).unwrap();
        assert_ne!(name, own_name(&path).unwrap());
        assert!(name.starts_with("rekall-0a1b-"), "{name}");
        std::fs::write(&path, &name).unwrap();
        assert_eq!(name_at(&path).unwrap(), name);
        let other = own_name(&folder.path().join("0a1c.socket")).unwrap();
        let longer = format!("{name}0");
        let away = format!(r"..\{name}");
        for wrong in ["", "rekall-0a1b-", &name[..name.len() - 1], &longer, &away, &other, r"C:\autoexec.bat"]
        {
            std::fs::write(&path, wrong).unwrap();
            assert_eq!(name_at(&path).unwrap_err().kind(), io::ErrorKind::NotFound, "{wrong}");
        }
        assert_eq!(
            name_at(folder.path().join("b.socket").as_path()).unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
    }

    #[test]
    fn a_name_that_is_taken_is_not_served() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.socket");
        let listener = Listener::bind(&path).unwrap();
        assert!(pipe::create(&listener.name, &listener.user, true).is_err());
        pipe::create(&listener.name, &listener.user, false).unwrap();
    }

    #[test]
    fn each_end_sees_whose_the_other_is() {
        let (ours, theirs) = pair();
        let user = security::user().unwrap();
        assert_eq!(security::owner_of(ours.pipe.as_handle()).unwrap(), user);
        assert_eq!(security::client_of(theirs.pipe.as_handle()).unwrap(), user);
    }

    /// One of the administrators', where this process may make one.
    #[test]
    fn a_pipe_of_others_is_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.socket");
        let name = own_name(&path).unwrap();
        let Ok(_pipe) = pipe::create(&format!("{PIPES}{name}"), "BA", true) else { return };
        std::fs::write(&path, name).unwrap();
        let stream = Stream::connect(&path, Duration::from_secs(30)).unwrap();
        let refused = stream.check_peer().unwrap_err().to_string();
        assert!(refused.ends_with("got one of user S-1-5-32-544"), "{refused}");
    }

    /// As it is with a process that was stopped.
    #[test]
    fn a_listener_that_accepts_nothing_does_not_hold_up_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.socket");
        let _listener = Listener::bind(&path).unwrap();
        let _first = Stream::connect(&path, Duration::from_secs(30)).unwrap();
        assert!(is_late(&Stream::connect(&path, Duration::from_millis(1)).unwrap_err()));
    }

    /// What was not read in time comes later: the system wrote to no buffer that is gone.
    #[test]
    fn a_read_that_was_late_takes_nothing() {
        let (mut ours, theirs) = pair();
        for number in 0..20 {
            ours.set_read_timeout(Some(Duration::from_micros(number))).unwrap();
            assert!(is_late(&ours.read(&mut [0; 100]).unwrap_err()));
        }
        assert_eq!(theirs.write(b"abc").unwrap(), 3);
        let mut read = [0; 100];
        assert_eq!((ours.read(&mut read).unwrap(), &read[..3]), (3, &b"abc"[..]));
    }
}
