//! How processes of one user reach each other: over a Unix socket, or a named pipe of Windows.
//!
//! What differs between the two is here and nowhere else. Both offer the same:
//!
//! - [`folder`] is where the processes of this user meet, [`make_private`] keeps others out of it, and [`privileges`] tells apart the
//!   processes that must not share although one user started them.
//! - [`open_lock`] opens a file for the election.
//! - [`Listener`] is bound to a path, where others find it, and accepts connections until a [`Signal`] is raised.
//! - [`Stream`] is one end of a connection. It reads, and writes, within a time: an error of the kind `WouldBlock` or `TimedOut` is its
//!   end, and after it the stream is not used again: a part may have come through. A peer that is gone is the end of what can be read, and
//!   an error that writing meets at once.
//! - [`Ender`] ends a connection from another thread: both its ends hear of it, also while this one computes.

use std::io;

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;

#[cfg(not(any(unix, windows)))]
compile_error!("the feature `host` needs Unix sockets, or named pipes of Windows");

pub(super) use system::{Ender, Listener, Signal, Stream, folder, make_private, open_lock, privileges};

/// Whether an error is the end of the time that a read, a write or a connection had.
pub(super) fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

/// Both ends of a connection.
#[cfg(test)]
pub(super) fn pair() -> (Stream, Stream) {
    use std::time::Duration;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pair.socket");
    let mut listener = Listener::bind(&path).unwrap();
    let ours = Stream::connect(&path, Duration::from_secs(30)).unwrap();
    let theirs = listener.accept(&Signal::new().unwrap()).unwrap().unwrap();
    (ours, theirs)
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::path::PathBuf;
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use tempfile::TempDir;

    use super::*;

    const SHORT: Duration = Duration::from_millis(1);
    const LONG: Duration = Duration::from_secs(30);

    fn bound() -> (TempDir, PathBuf, Listener) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.socket");
        let listener = Listener::bind(&path).unwrap();
        (folder, path, listener)
    }

    /// One byte that comes.
    fn next(stream: &mut Stream) -> io::Result<u8> {
        let mut byte = [0];
        stream.read_exact(&mut byte).map(|()| byte[0])
    }

    #[test]
    fn connections_are_accepted_until_a_signal_is_raised() {
        let (_folder, path, mut listener) = bound();
        let signal = Signal::new().unwrap();
        let ask = |number: u8| {
            let mut stream = Stream::connect(&path, LONG).unwrap();
            stream.check_peer().unwrap();
            assert_eq!(stream.write(&[number]).unwrap(), 1);
            assert_eq!(next(&mut stream).unwrap(), number + 1);
            stream
        };
        thread::scope(|threads| {
            let accepting = threads.spawn(|| {
                let mut streams = Vec::new();
                while let Some(mut stream) = listener.accept(&signal).unwrap() {
                    stream.check_peer().unwrap();
                    let number = next(&mut stream).unwrap();
                    assert_eq!(stream.write(&[number + 1]).unwrap(), 1);
                    streams.push(stream);
                }
                streams.len()
            });
            // One after the other, and all at once.
            let _kept: Vec<Stream> = (0..5).map(ask).collect();
            thread::scope(|asking| (0..20).for_each(|number| drop(asking.spawn(move || ask(number)))));
            signal.raise();
            assert_eq!(accepting.join().unwrap(), 25);
        });
        assert!(listener.accept(&signal).unwrap().is_none(), "it stays raised");
    }

    #[test]
    fn nobody_listens_before_a_path_is_bound_nor_afterwards() {
        let (folder, path, listener) = bound();
        let is_gone = |path: PathBuf| {
            let kind = Stream::connect(&path, LONG).unwrap_err().kind();
            matches!(kind, io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
        };
        assert!(is_gone(folder.path().join("b.socket")));
        let _waiting = Stream::connect(&path, LONG).unwrap();
        drop(listener);
        assert!(path.exists(), "its owner takes the name away");
        assert!(is_gone(path.clone()));
        // A listener that was killed leaves a name, and perhaps connections.
        let mut listener = Listener::bind(&path).unwrap();
        let signal = Signal::new().unwrap();
        let mut ours = Stream::connect(&path, LONG).unwrap();
        assert_eq!(listener.accept(&signal).unwrap().unwrap().write(b"a").unwrap(), 1);
        assert_eq!(next(&mut ours).unwrap(), b'a');
    }

    #[test]
    fn what_came_can_be_read_after_its_sender_has_gone() {
        let (mut ours, theirs) = pair();
        ours.set_read_timeout(Some(SHORT)).unwrap();
        assert!(is_late(&next(&mut ours).unwrap_err()));
        assert_eq!(theirs.write(b"ab").unwrap(), 2);
        drop(theirs);
        assert_eq!(ours.by_ref().take(9).read_to_end(&mut Vec::new()).unwrap(), 2);
        assert_eq!(ours.read(&mut [0]).unwrap(), 0);
        assert_eq!(ours.write(b"c").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }

    #[test]
    fn a_connection_that_is_ended_elsewhere_ends_for_both() {
        let (mut ours, mut theirs) = pair();
        let ender = theirs.ender().unwrap();
        let (reading, begun) = mpsc::channel();
        thread::scope(|threads| {
            let waiting = threads.spawn(move || {
                reading.send(()).unwrap();
                (theirs.read(&mut [0]).unwrap(), theirs)
            });
            begun.recv().unwrap();
            ender.end();
            assert_eq!(ours.read(&mut [0]).unwrap(), 0);
            let (read, theirs) = waiting.join().unwrap();
            assert_eq!(read, 0);
            assert_eq!(theirs.write(b"a").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        });
    }

    #[test]
    fn what_finds_no_room_waits_for_its_time() {
        let (mut ours, mut theirs) = pair();
        ours.set_write_timeout(Some(SHORT)).unwrap();
        let mut sent = 0;
        let late = loop {
            match ours.write(&[7; 100_000]) {
                Ok(part) => sent += part,
                Err(error) => break error,
            }
        };
        assert!(is_late(&late) && sent > 0, "{late}");
        // All that was said to be sent comes.
        let mut read = vec![0; sent];
        theirs.read_exact(&mut read).unwrap();
        assert!(read.iter().all(|&byte| byte == 7));
    }
}
