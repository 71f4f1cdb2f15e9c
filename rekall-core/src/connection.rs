//! Opening the file, and the pool of reading connections.

use std::fs;
use std::io::{ErrorKind as IoKind, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::schema::{self, Found};
use crate::{Error, SystemWallClock, WallClock};

/// How hard a commit is pressed onto the disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Synchronous {
    /// A commit survives the death of the process at any moment; the last few may be lost, whole, when the
    /// machine loses power. The default.
    #[default]
    Normal,
    /// A commit survives loss of power, too: one `fsync` each, milliseconds on most disks.
    Full,
}

/// How a file is opened.
#[derive(Clone)]
#[non_exhaustive]
pub struct StoreOptions {
    /// Make the file when there is none. Default true.
    pub create: bool,
    /// Refuse every write. Default false.
    pub read_only: bool,
    /// How long to wait for another writer before [`Error::Busy`]. Default 5 s.
    pub busy_timeout: Duration,
    /// Reading connections kept open when idle, each with its own page cache. Default 4; more readers at
    /// once than that open a connection for the time being.
    pub readers: usize,
    /// How hard a commit is pressed onto the disk.
    pub synchronous: Synchronous,
    /// Overwrite what is deleted with zeroes. Costs writes; default false.
    pub secure_delete: bool,
    /// Page cache of each connection, in bytes. Default 2 MiB.
    pub cache_bytes: usize,
    /// Stamps entries; tests pass their own.
    pub clock: Arc<dyn WallClock>,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            create: true,
            read_only: false,
            busy_timeout: Duration::from_secs(5),
            readers: 4,
            synchronous: Synchronous::Normal,
            secure_delete: false,
            cache_bytes: 2 << 20,
            clock: Arc::new(SystemWallClock),
        }
    }
}

impl std::fmt::Debug for StoreOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoreOptions")
            .field("create", &self.create)
            .field("read_only", &self.read_only)
            .field("busy_timeout", &self.busy_timeout)
            .field("readers", &self.readers)
            .field("synchronous", &self.synchronous)
            .field("secure_delete", &self.secure_delete)
            .field("cache_bytes", &self.cache_bytes)
            .finish_non_exhaustive()
    }
}

/// A checked file: whatever is opened from it later is known to be ours.
#[derive(Debug)]
pub(crate) struct Database {
    path: PathBuf,
    options: StoreOptions,
    idle: Mutex<Vec<Connection>>,
}

impl Database {
    /// Checks the file, or makes it, and gives it with its first connection.
    pub(crate) fn open(path: &Path, options: &StoreOptions) -> Result<(Self, Connection), Error> {
        if !examine(path)? {
            if !options.create || options.read_only {
                let source = std::io::Error::from(IoKind::NotFound);
                return Err(Error::Io { action: "open", path: path.to_owned(), source });
            }
            create(path)?;
        }
        let database = Self { path: path.to_owned(), options: options.clone(), idle: Mutex::default() };
        let connection = database.connect(options.read_only)?;
        match schema::identify(&connection).map_err(|error| located(error, path))? {
            Found::Current => Ok((database, connection)),
            Found::Newer(found) => {
                Err(Error::NewerVersion { path: path.to_owned(), found, supported: schema::VERSION })
            }
            Found::Legacy(schema) => Err(Error::LegacyFile { path: path.to_owned(), schema }),
            Found::Empty => not_ours(path, "an SQLite database without tables"),
            Found::Foreign(found) => not_ours(path, found),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn options(&self) -> &StoreOptions {
        &self.options
    }

    /// A new connection with the file's settings.
    pub(crate) fn connect(&self, read_only: bool) -> Result<Connection, Error> {
        let connection = connect(&self.path, self.options.read_only)?;
        let options = &self.options;
        connection.busy_timeout(options.busy_timeout)?;
        let synchronous = match options.synchronous {
            Synchronous::Normal => "NORMAL",
            Synchronous::Full => "FULL",
        };
        let kibibytes = options.cache_bytes.div_ceil(1024);
        connection.execute_batch(&format!(
            "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY;
             PRAGMA cell_size_check = ON; PRAGMA synchronous = {synchronous};
             PRAGMA cache_size = -{kibibytes}; PRAGMA secure_delete = {};
             PRAGMA journal_size_limit = 67108864; PRAGMA query_only = {};",
            u8::from(options.secure_delete),
            u8::from(read_only)
        ))?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(connection)
    }

    /// A reading connection: an idle one, or a new one.
    pub(crate) fn reader(&self) -> Result<Pooled<'_>, Error> {
        let idle = self.idle().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.connect(true).map_err(|error| located(error, &self.path))?,
        };
        Ok(Pooled { database: self, connection: Some(connection) })
    }

    /// Closes idle reading connections, and with them their page caches.
    pub(crate) fn close_idle(&self) {
        self.idle().clear();
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A reading connection on loan from the pool.
#[derive(Debug)]
pub struct Pooled<'a> {
    database: &'a Database,
    connection: Option<Connection>,
}

impl std::ops::Deref for Pooled<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        match &self.connection {
            Some(connection) => connection,
            None => unreachable!("the connection leaves only in drop"),
        }
    }
}

impl Drop for Pooled<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            let mut idle = self.database.idle();
            if idle.len() < self.database.options.readers && connection.is_autocommit() {
                idle.push(connection);
            }
        }
    }
}

/// Looks at the path before SQLite does, which would report most of these as "unable to open".
/// False: there is nothing yet.
fn examine(path: &Path) -> Result<bool, Error> {
    let io = |action, source| Error::Io { action, path: path.to_owned(), source };
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == IoKind::NotFound => return Ok(false),
        Err(error) => return Err(io("open", error)),
    };
    if metadata.is_dir() {
        return not_ours(path, "a folder");
    }
    let mut start = Vec::with_capacity(16);
    let file = fs::File::open(path).map_err(|error| io("open", error))?;
    file.take(16).read_to_end(&mut start).map_err(|error| io("read", error))?;
    match start.as_slice() {
        b"SQLite format 3\0" => Ok(true),
        b"" => not_ours(path, "an empty file (0 bytes)"),
        start if start.iter().all(|byte| !byte.is_ascii_control() || byte.is_ascii_whitespace()) => {
            not_ours(path, "a text file")
        }
        _ => not_ours(path, "a file of another format"),
    }
}

fn not_ours<T>(path: &Path, found: impl Into<String>) -> Result<T, Error> {
    Err(Error::NotADatabase { path: path.to_owned(), found: found.into() })
}

/// Makes a new file beside its place and puts it there whole, so that no other process ever sees it
/// half made and a crash leaves nothing that looks like a database.
fn create(path: &Path) -> Result<(), Error> {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let io = |action, source| Error::Io { action, path: path.to_owned(), source };
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".new-{}-{}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed)));
    let draft = path.with_file_name(name);
    let made = private_file(&draft)
        .map_err(|error| match error.kind() {
            IoKind::PermissionDenied | IoKind::ReadOnlyFilesystem => {
                Error::ReadOnly { what: format!("the folder of {}", path.display()) }
            }
            _ => io("create", error),
        })
        .and_then(|()| {
            let connection = connect(&draft, false)?;
            schema::create(&connection)?;
            connection.close().map_err(|(_, error)| Error::from(error))
        })
        .and_then(|()| match fs::hard_link(&draft, path) {
            Ok(()) => Ok(()),
            // Another process was faster: theirs is as good.
            Err(error) if error.kind() == IoKind::AlreadyExists => Ok(()),
            // Some file systems have no hard links; there, renaming is the closest thing.
            Err(_) => fs::rename(&draft, path).map_err(|error| io("create", error)),
        });
    let _ = fs::remove_file(&draft);
    made.map_err(|error| located(error, path))
}

fn private_file(path: &Path) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

fn connect(path: &Path, read_only: bool) -> Result<Connection, Error> {
    let access = if read_only { OpenFlags::SQLITE_OPEN_READ_ONLY } else { OpenFlags::SQLITE_OPEN_READ_WRITE };
    // NO_MUTEX: each connection is used by one thread at a time, our own locks see to that.
    Ok(Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?)
}

impl From<rusqlite::Error> for Error {
    fn from(source: rusqlite::Error) -> Self {
        let detail = || source.to_string();
        match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { detail: detail() },
            Some(ErrorCode::ReadOnly) => Self::ReadOnly { what: "the database".to_owned() },
            Some(ErrorCode::DiskFull) => Self::Full { detail: detail() },
            Some(ErrorCode::DatabaseCorrupt) => Self::Corrupt { detail: detail() },
            Some(ErrorCode::NotADatabase) => Self::Corrupt { detail: detail() },
            Some(ErrorCode::OperationInterrupted) => Self::Interrupted,
            _ => Self::Sqlite { source },
        }
    }
}

/// Adds the path to errors met while opening, when the host may have several files in mind.
pub(crate) fn located(error: Error, path: &Path) -> Error {
    let path = path.display();
    match error {
        Error::Corrupt { detail } => Error::Corrupt { detail: format!("{path}: {detail}") },
        Error::Full { detail } => Error::Full { detail: format!("{path}: {detail}") },
        Error::Busy { detail } => Error::Busy { detail: format!("{path}: {detail}") },
        Error::ReadOnly { what } if what == "the database" => Error::ReadOnly { what: path.to_string() },
        other => other,
    }
}
