//! Frames on a socket: a length, a kind, and so many bytes. No frame is read that is longer than it may be.

use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::net::{SendFlags, send};

use super::error::HostError;

/// Bytes of a frame's beginning.
const HEADER: usize = 5;

/// One end of a connection.
#[derive(Debug)]
pub(super) struct Link {
    stream: UnixStream,
    /// How long the other side may take for any part of a frame.
    patience: Duration,
}

/// What came: its kind, and what it says.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) body: Vec<u8>,
}

impl Link {
    /// A connection with a process of the same user.
    pub(super) fn new(stream: UnixStream, patience: Duration) -> Result<Self, HostError> {
        same_user(&stream)?;
        // Accepted sockets may have this from the listener.
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(patience))?;
        stream.set_write_timeout(Some(patience))?;
        #[cfg(target_vendor = "apple")]
        rustix::net::sockopt::set_socket_nosigpipe(&stream, true).map_err(io::Error::from)?;
        Ok(Self { stream, patience })
    }

    /// The socket, to end the connection from elsewhere.
    pub(super) fn socket(&self) -> io::Result<UnixStream> {
        self.stream.try_clone()
    }

    pub(super) fn send(&self, kind: u8, body: &[u8]) -> Result<(), HostError> {
        let length = u32::try_from(body.len())
            .map_err(|_| HostError::message("a frame", "at most 4 GB", format!("{} bytes", body.len())))?;
        let mut header = [kind; HEADER];
        header[..4].copy_from_slice(&length.to_le_bytes());
        self.send_all(&header)?;
        self.send_all(body)
    }

    fn send_all(&self, mut bytes: &[u8]) -> Result<(), HostError> {
        // A host's program may not ignore the signal that writing to a closed socket sends, as Rust's own do.
        #[cfg(not(target_vendor = "apple"))]
        let flags = SendFlags::NOSIGNAL;
        #[cfg(target_vendor = "apple")]
        let flags = SendFlags::empty();
        while !bytes.is_empty() {
            match send(&self.stream, bytes, flags) {
                Ok(sent) => bytes = &bytes[sent..],
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(quiet_or(error.into(), self.patience)),
            }
        }
        Ok(())
    }

    /// The next frame, of at most `most` bytes. It has to begin within a time, or never where there is none; the rest has to
    /// follow.
    pub(super) fn receive(&mut self, most: usize, begin: Option<Duration>) -> Result<Frame, HostError> {
        let mut header = [0; HEADER];
        self.stream.set_read_timeout(begin)?;
        let first = begin.unwrap_or(Duration::MAX);
        self.stream.read_exact(&mut header[..1]).map_err(|error| quiet_or(error, first))?;
        self.stream.set_read_timeout(Some(self.patience))?;
        let late = |error| quiet_or(error, self.patience);
        self.stream.read_exact(&mut header[1..]).map_err(late)?;
        let [a, b, c, d, kind] = header;
        let length = u32::from_le_bytes([a, b, c, d]);
        if length as usize > most {
            return Err(HostError::message("a frame", format!("at most {most} bytes"), length.to_string()));
        }
        // Memory grows with what has really come.
        let mut body = Vec::new();
        (&self.stream).take(u64::from(length)).read_to_end(&mut body).map_err(late)?;
        if body.len() < length as usize {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        Ok(Frame { kind, body })
    }
}

/// The end of a time is told from other errors.
fn quiet_or(error: io::Error, time: Duration) -> HostError {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => HostError::Quiet(time),
        _ => error.into(),
    }
}

/// Refuses a process of another user: the folder keeps those out already, except the administrator.
#[cfg(target_os = "linux")]
fn same_user(stream: &UnixStream) -> Result<(), HostError> {
    let (peer, user) = (
        rustix::net::sockopt::socket_peercred(stream).map_err(io::Error::from)?.uid.as_raw(),
        rustix::process::geteuid().as_raw(),
    );
    if peer == user {
        return Ok(());
    }
    Err(HostError::message(
        "a connection",
        format!("a process of user {user}"),
        format!("one of user {peer}"),
    ))
}

#[cfg(not(target_os = "linux"))]
fn same_user(_: &UnixStream) -> Result<(), HostError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    fn pair() -> (Link, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        (Link::new(ours, LONG).unwrap(), theirs)
    }

    #[test]
    fn a_frame_comes_as_it_was_sent_and_no_longer_than_it_may_be() {
        let (mut link, theirs) = pair();
        let theirs = Link::new(theirs, LONG).unwrap();
        for body in [&b""[..], b"abc", &[7; 100_000]] {
            std::thread::scope(|threads| {
                threads.spawn(|| theirs.send(3, body).unwrap());
                let frame = link.receive(100_000, None).unwrap();
                assert_eq!((frame.kind, &*frame.body), (3, body));
            });
        }
        theirs.send(3, b"abcd").unwrap();
        let refused = link.receive(3, None).unwrap_err();
        assert!(refused.to_string().contains("at most 3 bytes, got 4"), "{refused}");
    }

    #[test]
    fn silence_before_a_frame_is_told_from_the_end_within_one() {
        let (mut link, mut theirs) = pair();
        let quiet = link.receive(9, Some(Duration::from_millis(1))).unwrap_err();
        assert!(quiet.is_silent() && !quiet.is_gone(), "{quiet}");
        theirs.write_all(&[9, 0, 0, 0, 3, 1, 2]).unwrap();
        drop(theirs);
        let ended = link.receive(9, Some(Duration::from_millis(1))).unwrap_err();
        assert!(ended.is_gone() && !ended.is_silent(), "{ended}");
    }

    #[test]
    fn a_side_that_takes_nothing_is_told_from_one_that_is_gone() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let link = Link::new(ours, Duration::from_millis(1)).unwrap();
        // More than a socket's buffer has room for.
        let stuck = link.send(3, &vec![0; 64 << 20]).unwrap_err();
        assert!(stuck.is_silent(), "{stuck}");
        drop(theirs);
        assert!(link.send(3, b"").unwrap_err().is_gone());
    }
}
