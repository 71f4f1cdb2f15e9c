//! A file that appears under its name only when it is whole.

use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind as IoKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::Error;

/// What SQLite puts beside a database; one left from an older file would be taken for the new one's.
const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// A file being written as `NAME.partial-…` beside its target, mode 0600. Dropped before
/// [`publish`](Self::publish), it is removed; killed, it stays under a name that says what it is.
#[derive(Debug)]
pub(super) struct NewFile {
    target: PathBuf,
    draft: PathBuf,
}

impl NewFile {
    /// Makes the draft, empty.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`] when the target, or a log of a database of that name, is there.
    pub(super) fn begin(target: &Path) -> Result<Self, Error> {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        refuse_existing(target)?;
        for companion in COMPANIONS {
            refuse_existing(&beside(target, companion))?;
        }
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let draft = beside(target, &format!(".partial-{}-{number}", std::process::id()));
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&draft).map_err(|error| match error.kind() {
            IoKind::PermissionDenied | IoKind::ReadOnlyFilesystem => {
                Error::ReadOnly { what: format!("the folder of {}", target.display()) }
            }
            _ => io("create", &draft, error),
        })?;
        Ok(Self { target: target.to_owned(), draft })
    }

    /// Where to write.
    pub(super) fn draft(&self) -> &Path {
        &self.draft
    }

    /// Presses the draft onto the disk and gives it its name, if that is still free.
    pub(super) fn publish(self) -> Result<(), Error> {
        let file = fs::File::open(&self.draft).map_err(|error| io("open", &self.draft, error))?;
        file.sync_all().map_err(|error| io("write", &self.draft, error))?;
        match fs::hard_link(&self.draft, &self.target) {
            Ok(()) => {}
            Err(error) if error.kind() == IoKind::AlreadyExists => {
                return Err(Error::AlreadyExists { path: self.target.clone() });
            }
            // Some file systems have no hard links; there, renaming is the closest thing.
            Err(_) => {
                refuse_existing(&self.target)?;
                fs::rename(&self.draft, &self.target).map_err(|error| io("create", &self.target, error))?;
            }
        }
        let _ = fs::remove_file(&self.draft);
        sync_folder(&self.target);
        Ok(())
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.draft);
        for companion in COMPANIONS {
            let _ = fs::remove_file(beside(&self.draft, companion));
        }
    }
}

/// The path with `suffix` added to its last part.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path.file_name().unwrap_or_default());
    name.push(suffix);
    path.with_file_name(name)
}

pub(super) fn io(action: &'static str, path: &Path, source: std::io::Error) -> Error {
    Error::Io { action, path: path.to_owned(), source }
}

fn refuse_existing(path: &Path) -> Result<(), Error> {
    match fs::symlink_metadata(path) {
        Ok(_) => Err(Error::AlreadyExists { path: path.to_owned() }),
        Err(error) if error.kind() == IoKind::NotFound => Ok(()),
        Err(error) => Err(io("look at", path, error)),
    }
}

/// Without this the name itself could be lost with the power. Not every system can do it.
fn sync_folder(path: &Path) {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Ok(folder) = fs::File::open(parent.unwrap_or(Path::new("."))) {
        let _ = folder.sync_all();
    }
}
