//! One migration of a file at a time, across processes.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::Error;
#[cfg(unix)]
use crate::files::Identity;
use crate::files::{io_error, with_suffix};

/// Held while a file is migrated: a lock of the operating system on a file beside it, which goes with the
/// process that has it, however that ends.
#[derive(Debug)]
pub(super) struct MigrationLock {
    _file: File,
    path: PathBuf,
}

/// The lock's file for a database.
pub(super) fn lock_path(database: &Path) -> PathBuf {
    with_suffix(database, ".migrate-lock")
}

impl MigrationLock {
    /// Waits for the lock of `database` up to `timeout`.
    pub(super) fn take(database: &Path, timeout: Duration) -> Result<Self, Error> {
        const PAUSE: Duration = Duration::from_millis(10);
        let path = lock_path(database);
        let started = Instant::now();
        loop {
            let file = File::options()
                .create(true)
                .truncate(false)
                .write(true)
                .open(&path)
                .map_err(io_error("create", &path))?;
            match file.try_lock() {
                Ok(()) if is_at(&file, &path) => return Ok(Self { _file: file, path }),
                // The previous holder removed the file.
                Ok(()) => {}
                Err(TryLockError::WouldBlock) if started.elapsed() < timeout => thread::sleep(PAUSE),
                Err(TryLockError::WouldBlock) => {
                    let detail = format!("another program is migrating {}", database.display());
                    return Err(Error::Busy { detail });
                }
                Err(TryLockError::Error(error)) => return Err(io_error("lock", &path)(error)),
            }
        }
    }
}

impl Drop for MigrationLock {
    fn drop(&mut self) {
        // Before the lock is let go: a process that waits for it sees that its file is gone, and makes a new one.
        // Where an open file cannot be removed, it stays, empty.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    let ours = file.metadata().map(|metadata| Identity::from(&metadata));
    matches!((ours, Identity::of(path)), (Ok(ours), Ok(there)) if ours == there)
}

/// Elsewhere an open file cannot be removed.
#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_and_nothing_left() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("a.db");
        let held = MigrationLock::take(&database, Duration::ZERO).unwrap();
        let refused = MigrationLock::take(&database, Duration::ZERO).unwrap_err();
        assert!(matches!(refused, Error::Busy { .. }), "{refused}");
        drop(held);
        drop(MigrationLock::take(&database, Duration::ZERO).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
