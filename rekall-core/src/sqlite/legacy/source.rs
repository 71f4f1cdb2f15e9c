//! Reading a file without leaving a trace on it or beside it.
//!
//! An ordinary connection to a file in WAL mode makes `-wal` and `-shm` files, also when it only reads. So a
//! file that stands alone is opened with `immutable=1`. One with a `-wal` or `-journal` file beside it, which
//! a program that was killed or is still running left, is copied together with that file into a private
//! folder, and the copy is brought up to date and read.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rusqlite::{Connection, OpenFlags};

use crate::Error;
use crate::files::{create_private_folder, io_error, private_file, with_suffix};
use crate::sqlite::connection::open_immutable;
use crate::staged_file::random_text;

/// Files beside a database that hold a part of it.
pub(super) const COMPANIONS: [&str; 2] = ["-wal", "-journal"];

/// Size and time of change of a database and its companions: shows whether another program wrote in between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stamp([Option<(u64, SystemTime)>; 3]);

impl Stamp {
    pub(super) fn of(path: &Path) -> Result<Self, Error> {
        let of = |path: &Path| match fs::metadata(path) {
            Ok(metadata) => {
                let changed = metadata.modified().map_err(io_error("read the time of", path))?;
                Ok(Some((metadata.len(), changed)))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(io_error("open", path)(error)),
        };
        Ok(Self([of(path)?, of(&with_suffix(path, COMPANIONS[0]))?, of(&with_suffix(path, COMPANIONS[1]))?]))
    }

    /// Suffixes of the companions that hold anything.
    pub(super) fn companions(&self) -> impl Iterator<Item = &'static str> {
        let filled = [self.0[1], self.0[2]].map(|file| file.is_some_and(|(bytes, _)| bytes > 0));
        COMPANIONS.into_iter().zip(filled).filter(|(_, filled)| *filled).map(|(suffix, _)| suffix)
    }

    /// Whether a `-wal` file is there, filled or not: then a program may be using the file.
    pub(super) fn has_wal(&self) -> bool {
        self.0[1].is_some()
    }
}

/// A file being read.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) connection: Connection,
    path: PathBuf,
    stamp: Stamp,
    /// Dropped after the connection.
    copy: Option<PrivateFolder>,
}

impl Source {
    /// Opens `path`. A copy, if one is needed, is made in a new folder inside `folder`.
    pub(super) fn open(path: &Path, folder: &Path) -> Result<Self, Error> {
        const ATTEMPTS: usize = 3;
        for _ in 0..ATTEMPTS {
            let stamp = Stamp::of(path)?;
            let copy = match stamp.companions().next() {
                None => None,
                Some(_) => Some(PrivateFolder::with_copy(path, &stamp, folder)?),
            };
            if Stamp::of(path)? != stamp {
                continue;
            }
            if let Some(copy) = &copy {
                stand_alone(&copy.file()).map_err(|error| error.at_path(path))?;
            }
            let read = copy.as_ref().map_or_else(|| path.to_owned(), PrivateFolder::file);
            let connection = open_immutable(&read).map_err(|error| error.at_path(path))?;
            return Ok(Self { connection, path: path.to_owned(), stamp, copy });
        }
        Err(changing(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn stamp(&self) -> &Stamp {
        &self.stamp
    }

    /// Ends reading and gives the copy, which stands alone, if one was made.
    pub(super) fn into_copy(self) -> Option<PrivateFolder> {
        self.copy
    }

    /// Fails when another program wrote to the file since it was opened: what was read may be torn.
    pub(super) fn unchanged(&self) -> Result<(), Error> {
        if Stamp::of(&self.path)? == self.stamp { Ok(()) } else { Err(changing(&self.path)) }
    }
}

fn changing(path: &Path) -> Error {
    Error::Busy { detail: format!("{} is being changed while it is read", path.display()) }
}

/// Takes what the companions hold into the file itself, and removes them. Only for a copy of our own.
fn stand_alone(path: &Path) -> Result<(), Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    // The first read rolls an interrupted transaction back; the checkpoint copies the log into the file.
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    connection.close().map_err(|(_, error)| Error::from(error))
}

/// A folder that only this user can enter, removed with what is in it when dropped.
#[derive(Debug)]
pub(super) struct PrivateFolder(PathBuf);

impl PrivateFolder {
    fn with_copy(path: &Path, stamp: &Stamp, parent: &Path) -> Result<Self, Error> {
        let folder = loop {
            let folder = parent.join(format!("rekall-import-{}", random_text(path)?));
            match create_private_folder(&folder) {
                Ok(()) => break Self(folder),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(io_error("create", &folder)(error)),
            }
        };
        let copy = folder.file();
        copy_file(path, &copy)?;
        for suffix in stamp.companions() {
            match copy_file(&with_suffix(path, suffix), &with_suffix(&copy, suffix)) {
                // Gone since: the stamps will differ.
                Err(Error::FileNotFound { .. }) => {}
                other => other?,
            }
        }
        Ok(folder)
    }

    pub(super) fn file(&self) -> PathBuf {
        self.0.join("legacy.db")
    }
}

impl Drop for PrivateFolder {
    fn drop(&mut self) {
        // Nothing to be done about a failure here; the folder says whose it is.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Copies the bytes into a new file of mode 0600, and presses them onto the disk.
pub(super) fn copy_file(from: &Path, to: &Path) -> Result<(), Error> {
    let mut source = fs::File::open(from).map_err(io_error("open", from))?;
    private_file(to).map_err(io_error("create", to))?;
    let mut target = fs::OpenOptions::new().write(true).open(to).map_err(io_error("open", to))?;
    io::copy(&mut source, &mut target).map_err(io_error("write", to))?;
    target.flush().and_then(|()| target.sync_all()).map_err(io_error("write", to))
}
