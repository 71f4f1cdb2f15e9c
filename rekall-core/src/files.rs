//! Files beside a database, private ones, and whether a path still leads to the same one.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind as IoKind};
use std::path::{Path, PathBuf};

use crate::Error;

/// What SQLite puts beside a database.
pub(crate) const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// `path` with a suffix to its name.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path.file_name().unwrap_or_default());
    name.push(suffix);
    path.with_file_name(name)
}

/// Where a file itself is, with symbolic links followed: SQLite keeps its companions there.
pub(crate) fn resolved(path: &Path) -> io::Result<PathBuf> {
    // Elsewhere the result has a prefix that not every program takes.
    if cfg!(unix) { fs::canonicalize(path) } else { std::path::absolute(path) }
}

/// The system's error as ours, for `action` (a verb) on `path`.
pub(crate) fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    move |source| match source.kind() {
        IoKind::StorageFull | IoKind::QuotaExceeded | IoKind::FileTooLarge => {
            Error::Full { detail: format!("{}: {source}", path.display()) }
        }
        IoKind::NotFound if matches!(action, "open" | "copy") => {
            Error::FileNotFound { path: path.to_owned() }
        }
        IoKind::PermissionDenied | IoKind::ReadOnlyFilesystem if action == "create" => {
            Error::ReadOnly { what: format!("the folder of {}", path.display()) }
        }
        _ => Error::Io { action, path: path.to_owned(), source },
    }
}

/// Refuses what is no file's path, though SQLite would make something of it: a database that is gone when it is closed.
pub(crate) fn refuse_special_path(path: &Path) -> Result<(), Error> {
    let got = match path.as_os_str().as_encoded_bytes() {
        b"" => "an empty one",
        b":memory:" => "\":memory:\"",
        _ => return Ok(()),
    };
    let expected = "that of a file, in which all is kept";
    Err(Error::OutOfRange { field: "path", expected, got: got.to_owned() })
}

/// Bytes of the longest path that SQLite opens, companions included.
pub(crate) const LONGEST_PATH: usize = 504;

/// Refuses a name for a new database that would be too long with a log's suffix.
pub(crate) fn refuse_too_long(path: &Path) -> Result<(), Error> {
    let too_long = |field, got: &std::ffi::OsStr, limit| match got.len() {
        got if got > limit => Err(Error::TooLong { field, limit, got, unit: "bytes" }),
        _ => Ok(()),
    };
    if cfg!(unix) {
        // 255 on all file systems that matter.
        too_long("the file's name", path.file_name().unwrap_or_default(), 255 - COMPANIONS[0].len())?;
        too_long("the file's path", path.as_os_str(), LONGEST_PATH)?;
    }
    Ok(())
}

/// Refuses a name that is taken.
pub(crate) fn refuse_existing(path: &Path) -> Result<(), Error> {
    match exists(path)? {
        true => Err(Error::AlreadyExists { path: path.to_owned() }),
        false => Ok(()),
    }
}

/// Makes a new file, mode 0600. Never one that is there: it may be a database, whose locks this process would lose.
pub(crate) fn private_file(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// Gives `draft` the name `target`, if that is free; says whether it was.
pub(crate) fn place(draft: &Path, target: &Path) -> Result<bool, Error> {
    match fs::hard_link(draft, target) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == IoKind::AlreadyExists => Ok(false),
        // Some file systems have no hard links. There, renaming is the closest thing; it would replace what is there.
        Err(_) if exists(target)? => Ok(false),
        Err(_) => fs::rename(draft, target).map(|()| true).map_err(io_error("create", target)),
    }
}

/// Whether the name is taken, be it by a link to nothing.
pub(crate) fn exists(path: &Path) -> Result<bool, Error> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        // A name that is too long belongs to no file.
        Err(error) if matches!(error.kind(), IoKind::NotFound | IoKind::InvalidFilename) => Ok(false),
        Err(error) => Err(io_error("look at", path)(error)),
    }
}

/// Presses the names in the file's folder onto the disk. Not every system can.
pub(crate) fn sync_folder(path: &Path) -> Result<(), Error> {
    if cfg!(unix) {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let folder = parent.unwrap_or(Path::new("."));
        match File::open(folder).and_then(|folder| folder.sync_all()) {
            // Not every file system has that for folders.
            Err(error) if !matches!(error.kind(), IoKind::InvalidInput | IoKind::Unsupported) => {
                return Err(io_error("sync", folder)(error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Makes a folder, on Unix one that only this user can enter.
pub(crate) fn create_private_folder(path: &Path) -> io::Result<()> {
    let builder = fs::DirBuilder::new();
    #[cfg(unix)]
    let builder = {
        let mut builder = builder;
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder
    };
    builder.create(path)
}

/// Which file a path leads to, whatever its name. Found without opening it: closing a file drops every lock that
/// this process holds on it (POSIX). <https://sqlite.org/howtocorrupt.html>, 2.2.
#[cfg(unix)]
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Identity(u64, u64);

#[cfg(unix)]
impl Identity {
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        fs::metadata(path).map(|metadata| Self::from(&metadata))
    }
}

#[cfg(unix)]
impl From<&fs::Metadata> for Identity {
    fn from(metadata: &fs::Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self(metadata.dev(), metadata.ino())
    }
}

/// Elsewhere an open file is neither replaced nor renamed: its name is enough.
#[cfg(not(unix))]
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Identity(PathBuf);

#[cfg(not(unix))]
impl Identity {
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        fs::metadata(path)?;
        std::path::absolute(path).map(Self)
    }
}
