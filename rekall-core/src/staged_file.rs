//! Files that appear under their name only when they are whole: all that this library makes goes through here.
//!
//! A staged file lies in its target's folder, so that giving it the target's name is one step, and has a random name:
//! processes may share a number (two containers on one folder), and what a dead one left must not be in anybody's
//! way. A process that fails removes its own staged file and nothing else.
//!
//! A process that is killed leaves its staged file. The next one that makes a file in the folder removes it when nobody
//! holds its lock and nothing was written to it for an hour. The lock (of the operating system, on the staged file itself)
//! goes with its holder, however that ends; the age is for the moment between the lock's release and the name, and for
//! file systems that have no locks.

use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind as IoKind;
use std::path::{Path, PathBuf};

#[cfg(feature = "sqlite")]
use rusqlite::Connection;

use crate::Error;
use crate::files::{self, COMPANIONS, LONGEST_PATH, io_error, refuse_existing, with_suffix};

/// How the names of staged files begin.
const PREFIX: &str = ".rekall-";
/// Random characters after it, five bits each.
const RANDOM: usize = 16;
/// As RFC 4648 has them, but small: names that differ in case only are one name on some file systems.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// Names that are taken are passed over so many times.
const ATTEMPTS: usize = 100;

/// A file being written, mode 0600. Dropped before it is published, it is removed.
#[derive(Debug)]
pub(crate) struct StagedFile {
    target: PathBuf,
    path: PathBuf,
    /// Locked while the file is being written.
    file: File,
}

impl StagedFile {
    /// Begins a database for `target`.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`] when the target, or a log of a database of that name, is there: one left from an older file
    /// would be taken for the new one's.
    pub(crate) fn database(target: &Path) -> Result<Self, Error> {
        files::refuse_special_path(target)?;
        files::refuse_too_long(&std::path::absolute(target).map_err(io_error("create", target))?)?;
        for suffix in COMPANIONS {
            refuse_existing(&with_suffix(target, suffix))?;
        }
        Self::new(target)
    }

    /// Begins a file of any kind for `target`.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`] when it is there.
    pub(crate) fn new(target: &Path) -> Result<Self, Error> {
        files::refuse_special_path(target)?;
        refuse_existing(target)?;
        Self::scratch(target)
    }

    /// Begins a file beside `target`, whether that is there or not.
    pub(crate) fn scratch(target: &Path) -> Result<Self, Error> {
        let target = std::path::absolute(target).map_err(io_error("create", target))?;
        #[cfg(unix)]
        stale::sweep(&target);
        let mut attempt = 1;
        loop {
            let path = target.with_file_name(name_for(&target)?);
            match private(&path) {
                Ok(file) => {
                    // Elsewhere a lock would keep SQLite from the file. Where there are none the age has to do.
                    #[cfg(unix)]
                    let _ = file.try_lock();
                    return Ok(Self { target, path, file });
                }
                Err(error) if error.kind() == IoKind::AlreadyExists && attempt < ATTEMPTS => attempt += 1,
                Err(error) => return Err(io_error("create", &target)(error)),
            }
        }
    }

    /// Where to write.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The file itself, for what is no database.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Flushes the file to the disk and gives it its name. After an error there is no target.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`] when the name was taken meanwhile.
    pub(crate) fn publish(self) -> Result<(), Error> {
        let target = self.target.clone();
        if !self.place()? {
            return Err(Error::AlreadyExists { path: target });
        }
        // Without this the name itself could be lost with the power.
        files::sync_folder(&target).inspect_err(|_| {
            // No caller knows the name yet.
            let _ = fs::remove_file(&target);
        })
    }

    /// As [`publish`](Self::publish), but where another process was faster, its file is as good, and may be in use.
    pub(crate) fn publish_unless_taken(self) -> Result<(), Error> {
        let target = self.target.clone();
        if self.place()? {
            // The name may be lost with the power, and nothing is in the file yet that could be lost with it.
            let _ = files::sync_folder(&target);
        }
        Ok(())
    }

    fn place(self) -> Result<bool, Error> {
        self.file.sync_all().map_err(io_error("write", &self.target))?;
        // Closed before others know the file: closing it later would drop the locks that they take in this process.
        let (target, path) = self.close();
        let placed = files::place(&path, &target);
        remove(&path);
        placed
    }

    /// Ends writing, and the lock.
    fn close(mut self) -> (PathBuf, PathBuf) {
        (std::mem::take(&mut self.target), std::mem::take(&mut self.path))
    }
}

impl Drop for StagedFile {
    fn drop(&mut self) {
        if !self.path.as_os_str().is_empty() {
            remove(&self.path);
        }
    }
}

/// Takes a staged file's log into it and closes it: a log that stayed would be lost with the staged name.
#[cfg(feature = "sqlite")]
pub(crate) fn close(connection: Connection, path: &Path) -> Result<(), Error> {
    let busy: bool = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    connection.close().map_err(|(_, error)| Error::from(error))?;
    let log = with_suffix(path, "-wal");
    if busy || fs::metadata(&log).is_ok_and(|metadata| metadata.len() > 0) {
        return Err(Error::Busy { detail: format!("{} is in use", log.display()) });
    }
    Ok(())
}

/// The path, with whatever SQLite put beside it. What cannot be removed now is, as stale, later.
fn remove(path: &Path) {
    let _ = fs::remove_file(path);
    for suffix in COMPANIONS {
        let _ = fs::remove_file(with_suffix(path, suffix));
    }
}

/// Never one that is there: it may be a database, whose locks this process would lose.
fn private(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// A random name, short whatever the target's. Where the folder's path leaves no room for it, one as long as the
/// target's, which then is not recognized as a staged file by a later sweep.
fn name_for(target: &Path) -> Result<String, Error> {
    let random = random_text(target)?;
    let (folder, name) = (target.parent(), target.file_name());
    let folder = folder.map_or(0, |folder| folder.as_os_str().len());
    if folder + 1 + PREFIX.len() + RANDOM <= LONGEST_PATH {
        return Ok(format!("{PREFIX}{random}"));
    }
    let room = name.map_or(RANDOM, |name| name.len().clamp(1, RANDOM));
    Ok(random[..room].to_owned())
}

/// Random characters, drawn from the system: they depend on no state of the process that a fork could share.
pub(crate) fn random_text(target: &Path) -> Result<String, Error> {
    let mut bytes = [0; RANDOM];
    getrandom::fill(&mut bytes).map_err(|error| io_error("draw random bits for", target)(error.into()))?;
    Ok(bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect())
}

#[cfg(unix)]
mod stale {
    use std::ffi::OsStr;
    use std::os::unix::fs::MetadataExt;
    use std::time::{Duration, SystemTime};

    use super::*;

    /// Nothing that is being written lies still for so long, whatever its lock says.
    const AGE: Duration = Duration::from_secs(3_600);

    /// Removes the staged files in the target's folder whose makers are dead. What cannot be read or removed is left.
    pub(super) fn sweep(target: &Path) {
        let Some(Ok(folder)) = target.parent().map(fs::read_dir) else { return };
        for entry in folder.flatten() {
            let name = entry.file_name();
            match staged_name(&name) {
                Some((_, "")) if is_stale(&entry.path()) => remove(&entry.path()),
                // Its staged file is gone already.
                Some((staged, suffix)) if !suffix.is_empty() => {
                    let path = entry.path();
                    if !path.with_file_name(staged).exists() && is_old(&path) {
                        let _ = fs::remove_file(path);
                    }
                }
                _ => {}
            }
        }
    }

    /// The staged file that a name is, or belongs to, and what follows that one's name.
    fn staged_name(name: &OsStr) -> Option<(&str, &str)> {
        let name = name.to_str()?;
        let (staged, suffix) = name.split_at_checked(PREFIX.len() + RANDOM)?;
        let random = staged.strip_prefix(PREFIX)?.bytes().all(|byte| ALPHABET.contains(&byte));
        (random && (suffix.is_empty() || COMPANIONS.contains(&suffix))).then_some((staged, suffix))
    }

    fn is_old(path: &Path) -> bool {
        let modified = fs::symlink_metadata(path).and_then(|metadata| metadata.modified());
        modified.is_ok_and(|modified| SystemTime::now().duration_since(modified).is_ok_and(|age| age >= AGE))
    }

    fn is_stale(path: &Path) -> bool {
        let Ok(metadata) = fs::symlink_metadata(path) else { return false };
        if !metadata.is_file() {
            return false;
        }
        // It has its target's name, too: only this one is left to be removed. The file may be in use, and must not be
        // opened: closing it would drop this process's locks on it.
        if metadata.nlink() > 1 {
            return true;
        }
        is_old(path) && File::open(path).is_ok_and(|file| file.try_lock().is_ok())
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_staged_file_is_published_whole_or_goes() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a");
        drop(StagedFile::new(&target).unwrap());
        assert!(names(folder.path()).is_empty());
        let (one, two) = (StagedFile::new(&target).unwrap(), StagedFile::new(&target).unwrap());
        one.publish().unwrap();
        assert!(matches!(two.publish(), Err(Error::AlreadyExists { .. })));
        assert!(matches!(StagedFile::new(&target), Err(Error::AlreadyExists { .. })));
        StagedFile::scratch(&target).unwrap().publish_unless_taken().unwrap();
        assert_eq!(names(folder.path()), ["a"]);
    }

    #[cfg(unix)]
    #[test]
    fn drafts_of_the_dead_are_swept_and_no_others() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let old = |path: &Path| {
            let long_ago = SystemTime::now() - Duration::from_secs(7_200);
            File::options().write(true).open(path).unwrap().set_modified(long_ago).unwrap();
        };
        let dead =
            [".rekall-aaaaaaaaaaaaaaa2", ".rekall-aaaaaaaaaaaaaaa2-wal", ".rekall-aaaaaaaaaaaaaaa3-shm"];
        let others = [
            // A short while ago: its maker may be about to give it its name.
            ".rekall-aaaaaaaaaaaaaaa4",
            ".rekall-aaaaaaaaaaaaaaa1",
            ".rekall-aaaaaaaaaaaaaaa2.txt",
            ".rekall-notes",
            "a.db",
        ];
        for name in dead.iter().chain(&others) {
            fs::write(at(name), "x").unwrap();
            if *name != others[0] {
                old(&at(name));
            }
        }
        let living = StagedFile::new(&at("b.db")).unwrap();
        old(living.path());
        // Killed between the two steps of giving it its name.
        let placed = at(".rekall-aaaaaaaaaaaaaaa5");
        fs::hard_link(at("a.db"), &placed).unwrap();
        let fresh = StagedFile::new(&at("c.db")).unwrap();
        let mut left: Vec<String> = others.iter().map(|name| (*name).to_owned()).collect();
        left.extend(
            [&living, &fresh].map(|staged| staged.path().file_name().unwrap().to_str().unwrap().to_owned()),
        );
        left.sort();
        assert_eq!(names(folder.path()), left);
    }
}
