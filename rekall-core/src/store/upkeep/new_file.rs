//! A file that appears under its name only when it is whole.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::Error;
use crate::files::{self, COMPANIONS, beside, io_error};

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
        // One left from an older file would be taken for the new one's.
        for companion in COMPANIONS {
            refuse_existing(&beside(target, companion))?;
        }
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let draft = beside(target, &format!(".partial-{}-{number}", std::process::id()));
        files::private_file(&draft).map_err(io_error("create", target))?;
        Ok(Self { target: target.to_owned(), draft })
    }

    /// Where to write.
    pub(super) fn draft(&self) -> &Path {
        &self.draft
    }

    /// Presses the draft onto the disk and gives it its name, if that is still free.
    pub(super) fn publish(self) -> Result<(), Error> {
        let file = fs::File::open(&self.draft).map_err(io_error("open", &self.draft))?;
        file.sync_all().map_err(io_error("write", &self.draft))?;
        if !files::place(&self.draft, &self.target)? {
            return Err(Error::AlreadyExists { path: self.target.clone() });
        }
        let _ = fs::remove_file(&self.draft);
        // Without this the name itself could be lost with the power.
        let _ = files::sync_folder(&self.target);
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

fn refuse_existing(path: &Path) -> Result<(), Error> {
    match files::exists(path)? {
        true => Err(Error::AlreadyExists { path: path.to_owned() }),
        false => Ok(()),
    }
}
