//! Frames on a connection: a length, a kind, and so many bytes. No frame is read that is longer than it may be.

use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use super::error::HostError;
use super::transport::{Ender, Stream, is_late};

/// Bytes of a frame's beginning.
const HEADER: usize = 5;

/// One end of a connection.
#[derive(Debug)]
pub(super) struct Link {
    stream: Stream,
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
    pub(super) fn new(mut stream: Stream, patience: Duration) -> Result<Self, HostError> {
        stream.check_peer()?;
        stream.set_read_timeout(Some(patience))?;
        stream.set_write_timeout(Some(patience))?;
        Ok(Self { stream, patience })
    }

    /// The same with who listens at a path.
    pub(super) fn connect(path: &Path, patience: Duration) -> Result<Self, HostError> {
        let stream = Stream::connect(path, patience).map_err(|error| quiet_or(error, patience))?;
        Self::new(stream, patience)
    }

    /// Ends the connection from elsewhere.
    pub(super) fn ender(&self) -> io::Result<Ender> {
        self.stream.ender()
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
        while !bytes.is_empty() {
            let sent = self.stream.write(bytes).map_err(|error| quiet_or(error, self.patience))?;
            bytes = &bytes[sent..];
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
        (&mut self.stream).take(u64::from(length)).read_to_end(&mut body).map_err(late)?;
        if body.len() < length as usize {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        Ok(Frame { kind, body })
    }
}

/// The end of a time is told from other errors.
fn quiet_or(error: io::Error, time: Duration) -> HostError {
    match is_late(&error) {
        true => HostError::Quiet(time),
        false => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::transport;

    const LONG: Duration = Duration::from_secs(30);

    fn pair() -> (Link, Stream) {
        let (ours, theirs) = transport::pair();
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
        let (mut link, theirs) = pair();
        let quiet = link.receive(9, Some(Duration::from_millis(1))).unwrap_err();
        assert!(quiet.is_silent() && !quiet.is_gone(), "{quiet}");
        assert_eq!(theirs.write(&[9, 0, 0, 0, 3, 1, 2]).unwrap(), 7);
        drop(theirs);
        let ended = link.receive(9, Some(Duration::from_millis(1))).unwrap_err();
        assert!(ended.is_gone() && !ended.is_silent(), "{ended}");
    }

    #[test]
    fn a_side_that_takes_nothing_is_told_from_one_that_is_gone() {
        let (ours, theirs) = transport::pair();
        let link = Link::new(ours, Duration::from_millis(1)).unwrap();
        // More than a connection's buffer has room for.
        let stuck = link.send(3, &vec![0; 64 << 20]).unwrap_err();
        assert!(stuck.is_silent(), "{stuck}");
        drop(theirs);
        assert!(link.send(3, b"").unwrap_err().is_gone());
    }
}
