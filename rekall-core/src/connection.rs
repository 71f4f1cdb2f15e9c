//! Opening the file, and the pool of reading connections.

use std::fs;
use std::io::{ErrorKind as IoKind, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use rusqlite::{Connection, ErrorCode, MAIN_DB, OpenFlags};

use crate::draft::{self, DraftFile};
use crate::files::{self, COMPANIONS, Identity, beside, io_error};
use crate::schema::{self, Found};
use crate::{Error, SystemWallClock, WallClock, legacy};

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
    /// Put a new file in the place of one of the Python tool, which is kept beside it; see
    /// [`legacy`](crate::legacy). Default false: such a file is refused with [`Error::LegacyFile`].
    pub migrate: bool,
    /// How long to wait for another writer, in this process or another one, before [`Error::Busy`]. At most 24 days,
    /// default 5 s.
    pub busy_timeout: Duration,
    /// Reading connections kept open when idle, each with its own page cache. Default 4; more readers at
    /// once than that open a connection for the time being.
    pub readers: usize,
    /// How hard a commit is pressed onto the disk.
    pub synchronous: Synchronous,
    /// Leave nothing of what is deleted or changed in the file or its log: texts, words of the full-text index,
    /// vectors. Each commit then copies the log into the file (tens of milliseconds), and one that changes or
    /// deletes texts merges the full-text index (up to a second for 50,000 entries). Holds for writes of this
    /// store; what other programs delete, or was deleted before, goes with [`Store::compact`](crate::Store::compact).
    /// A reader that still looks at an older state delays it to the next commit. Default false.
    pub secure_delete: bool,
    /// Page cache of each connection, in bytes. Default 2 MiB.
    pub cache_bytes: usize,
    /// Stamps entries; tests pass their own.
    pub clock: Arc<dyn WallClock>,
    /// Go on where the list of tables and triggers cannot be parsed, with what can be.
    pub(crate) damaged: bool,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            create: true,
            read_only: false,
            migrate: false,
            busy_timeout: Duration::from_secs(5),
            readers: 4,
            synchronous: Synchronous::Normal,
            secure_delete: false,
            cache_bytes: 2 << 20,
            clock: Arc::new(SystemWallClock),
            damaged: false,
        }
    }
}

impl std::fmt::Debug for StoreOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoreOptions")
            .field("create", &self.create)
            .field("read_only", &self.read_only)
            .field("migrate", &self.migrate)
            .field("busy_timeout", &self.busy_timeout)
            .field("readers", &self.readers)
            .field("synchronous", &self.synchronous)
            .field("secure_delete", &self.secure_delete)
            .field("cache_bytes", &self.cache_bytes)
            .finish_non_exhaustive()
    }
}

/// SQLite counts milliseconds in 31 bits.
const LONGEST_WAIT: Duration = Duration::from_millis(i32::MAX as u64);

/// A checked file: whatever is opened from it later is known to be ours.
#[derive(Debug)]
pub(crate) struct Database {
    /// Absolute, or another file would be meant once the host changes its folder.
    path: PathBuf,
    /// The same without symbolic links: SQLite keeps the log beside the file, not beside a link to it.
    file: PathBuf,
    identity: Identity,
    log: PathBuf,
    /// Which log is beside the file. It stays there until the last connection of all processes is closed.
    log_identity: OnceLock<Identity>,
    /// The file is read as it stood then, without locks or log: nothing can be made in its folder.
    frozen: Option<Stamp>,
    options: StoreOptions,
    /// The file is of an older version, and nobody here may change that.
    older: bool,
    idle: Mutex<Vec<Connection>>,
}

impl Database {
    /// Checks the file, or makes it, and gives it with its first connection.
    pub(crate) fn open(path: &Path, options: &StoreOptions) -> Result<(Self, Connection), Error> {
        files::refuse_odd(path)?;
        let path = &std::path::absolute(path).map_err(io_error("open", path))?;
        // Looked at before the file itself: while that exists, its log is nobody's but its own.
        let leftover = leftover_log(path);
        match examine_as(path, options.damaged)? {
            Some(application_id) => legacy::migrate_for_open(path, application_id, options)?,
            None if options.create && !options.read_only => match leftover {
                None => create(path)?,
                // SQLite would play it into the new file; and it may hold somebody's last notes.
                Some(log) => {
                    let detail =
                        format!("{} is left of a database that is gone: move it away", log.display());
                    return Err(Error::Corrupt { detail });
                }
            },
            None => return Err(Error::FileNotFound { path: path.to_owned() }),
        }
        let file = files::resolved(path).map_err(io_error("open", path))?;
        let identity = Identity::of(&file).map_err(io_error("open", path))?;
        let (idle, mut options) = (Mutex::default(), options.clone());
        options.busy_timeout = options.busy_timeout.min(LONGEST_WAIT);
        let read_only = options.read_only;
        let (log, log_identity, frozen) = (beside(&file, "-wal"), OnceLock::new(), None);
        let path = path.clone();
        let mut database =
            Self { path, file, identity, log, log_identity, frozen, options, older: false, idle };
        let mut connection = database.first_connection()?;
        let path = &database.path.clone();
        let mut found = schema::identify(&connection).map_err(|error| located(error, path))?;
        if found == Found::Older && !read_only {
            match schema::upgrade(&connection) {
                // The file or its folder: it is read as it is then, like any other.
                Ok(()) | Err(Error::ReadOnly { .. }) => found = schema::identify(&connection)?,
                Err(error) => return Err(located(error, path)),
            }
        }
        match found {
            Found::Current => Ok((database, connection)),
            Found::Older => {
                database.older = true;
                connection = database.connect(read_only)?;
                Ok((database, connection))
            }
            Found::Newer(found) => {
                Err(Error::NewerVersion { path: path.to_owned(), found, supported: schema::VERSION })
            }
            Found::Legacy(schema) => Err(Error::LegacyFile { path: path.to_owned(), schema }),
            Found::Empty => not_ours(path, "an SQLite database without tables"),
            Found::Foreign(found) => not_ours(path, found),
        }
    }

    /// As it was given, made absolute.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Where the file itself is, and its log beside it.
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    /// Which file it is.
    pub(crate) fn identity(&self) -> Identity {
        self.identity
    }

    /// Refuses to go on when the file's name, or its log's, no longer leads to what was opened. Connections that are open
    /// stay with their file, but find the log, and others find it, by its name: what one file's writer puts there is
    /// taken for the other's, or is never read. Costs two looks at a name, about a microsecond each.
    ///
    /// Asked behind the statement that fixes a transaction's view: while the name led here, nobody could use the log for
    /// another file.
    pub(crate) fn still_there(&self) -> Result<(), Error> {
        let same = |path: &Path, known: &Identity| match Identity::of(path) {
            Ok(identity) if identity == *known => Ok(true),
            Err(error) if error.kind() != IoKind::NotFound => Err(io_error("look at", path)(error)),
            _ => Ok(false),
        };
        let replaced = |path: &Path| Err(Error::Replaced { path: path.to_owned() });
        if !same(&self.file, &self.identity)? {
            return replaced(&self.path);
        }
        if let Some(known) = self.log_identity.get()
            && !same(&self.log, known)?
        {
            return replaced(&self.log);
        }
        match &self.frozen {
            // Somebody who may write has opened the file since.
            Some(_) if files::exists(&self.log)? => replaced(&self.path),
            Some(stamp) if Stamp::of(&self.file)? != *stamp => replaced(&self.path),
            _ => Ok(()),
        }
    }

    /// What a failed statement's error means: where the file or its log is gone, SQLite tells of damage, or of a disk.
    pub(crate) fn explained(&self, error: Error) -> Error {
        match self.still_there() {
            Err(replaced @ Error::Replaced { .. }) => replaced,
            _ => error,
        }
    }

    /// Bytes in the log.
    pub(crate) fn log_bytes(&self) -> u64 {
        fs::metadata(&self.log).map_or(0, |metadata| metadata.len())
    }

    /// The connection that the others go by: what it finds beside the file is what belongs to it.
    fn first_connection(&mut self) -> Result<Connection, Error> {
        let read_only = self.options.read_only;
        let mut connection = match self.connect(read_only) {
            Err(error) if is_refused(&error) && self.freeze()? => self.connect(read_only)?,
            connection => connection?,
        };
        // Where the system lacked a descriptor for the log's index, SQLite takes it for one that may not be written, as long
        // as any connection is open.
        for _ in 0..ATTEMPTS_TO_WRITE {
            if read_only || connection.is_readonly(MAIN_DB)? || may_lock(&connection, &self.options)? {
                break;
            }
            drop(connection);
            connection = self.connect(read_only)?;
        }
        // Locked by the connection: nobody removes the log now.
        if let Ok(identity) = Identity::of(&self.log) {
            let _ = self.log_identity.set(identity);
        }
        Ok(connection)
    }

    /// Whether the file can only be read as it is: nothing is in a log, and no file can be made in the folder, which
    /// reading with locks needs.
    fn freeze(&mut self) -> Result<bool, Error> {
        if leftover_log(&self.file).is_some() || files::exists(&self.log)? {
            return Ok(false);
        }
        match DraftFile::scratch(&self.file) {
            Err(Error::ReadOnly { .. }) => {}
            Ok(_) | Err(_) => return Ok(false),
        }
        self.frozen = Some(Stamp::of(&self.file)?);
        Ok(true)
    }

    pub(crate) fn options(&self) -> &StoreOptions {
        &self.options
    }

    /// A new connection with the file's settings. [`Error::Replaced`] when the file was moved away or replaced.
    pub(crate) fn connect(&self, read_only: bool) -> Result<Connection, Error> {
        self.still_there()?;
        let connection = match self.frozen {
            Some(_) => immutable(&self.file)?,
            None => connect(&self.file, self.options.read_only)?,
        };
        // Once more: what was opened is what stands there now. SQLite has not looked for a log yet.
        self.still_there()?;
        self.set_up(&connection, read_only).map_err(|error| self.explained(error))?;
        Ok(connection)
    }

    fn set_up(&self, connection: &Connection, read_only: bool) -> Result<(), Error> {
        let options = &self.options;
        connection.busy_timeout(options.busy_timeout)?;
        let synchronous = match options.synchronous {
            Synchronous::Normal => "NORMAL",
            Synchronous::Full => "FULL",
        };
        let stand_in = if self.older { schema::STAND_IN } else { "" };
        let damaged = if options.damaged { "PRAGMA writable_schema = ON;" } else { "" };
        let kibibytes = options.cache_bytes.div_ceil(1024);
        connection.execute_batch(&format!(
            "{damaged} PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY;
             {stand_in} PRAGMA cell_size_check = ON; PRAGMA synchronous = {synchronous};
             PRAGMA cache_size = -{kibibytes}; PRAGMA secure_delete = {};
             PRAGMA journal_size_limit = 67108864; PRAGMA query_only = {};",
            u8::from(options.secure_delete),
            u8::from(read_only)
        ))?;
        connection.set_prepared_statement_cache_capacity(64);
        crate::filter::install(connection)?;
        Ok(())
    }

    /// A reading connection: an idle one, or a new one.
    pub(crate) fn reader(&self) -> Result<Pooled<'_>, Error> {
        let idle = self.idle().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.connect(true).map_err(|error| located(error, &self.path))?,
        };
        Ok(Pooled { database: self, connection: Some(connection), stoppable: false })
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
    /// A flag stops its statements, which does not concern whoever has the connection next.
    stoppable: bool,
}

/// Steps of SQLite's machine between two looks at the flag: a microsecond. The full-text index counts a word's entries in
/// loops of its own, in which only the reading of its pages makes steps.
const STEPS: i32 = 100;

impl Pooled<'_> {
    /// Lets the flag stop whatever statement the connection is in.
    pub(crate) fn stop_when(&mut self, cancel: &Arc<AtomicBool>) -> Result<(), Error> {
        if let Some(connection) = &mut self.connection {
            let flag = Arc::clone(cancel);
            connection.progress_handler(STEPS, Some(move || flag.load(Ordering::Relaxed)))?;
            self.stoppable = true;
        }
        Ok(())
    }
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
        if let Some(mut connection) = self.connection.take() {
            let still = self.stoppable && connection.progress_handler(0, None::<fn() -> bool>).is_err();
            let mut idle = self.database.idle();
            if idle.len() < self.database.options.readers && connection.is_autocommit() && !still {
                idle.push(connection);
            }
        }
    }
}

/// Looks at the path before a connection that may write does, and says what else it is than a database.
/// Gives the application id in the file's header; `None`: there is nothing yet.
///
/// A database is looked at through SQLite only. Closing a file that was opened by other means would drop
/// every lock that this process holds on it (POSIX), and another process could then remove a log in use:
/// <https://sqlite.org/howtocorrupt.html>, 2.2. A store in use has a `-wal` and a `-shm` beside it.
pub(crate) fn examine(path: &Path) -> Result<Option<i64>, Error> {
    examine_as(path, false)
}

fn examine_as(path: &Path, damaged: bool) -> Result<Option<i64>, Error> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == IoKind::NotFound => return Ok(None),
        Err(error) => return Err(io_error("open", path)(error)),
    };
    if metadata.is_dir() {
        return not_ours(path, "a folder");
    }
    if metadata.len() == 0 {
        return not_ours(path, "an empty file (0 bytes)");
    }
    let error = match application_id(path, "") {
        Ok(id) => return Ok(Some(id)),
        Err(error) => error,
    };
    let file = files::resolved(path).map_err(io_error("open", path))?;
    let may_be_open = COMPANIONS.iter().any(|suffix| beside(&file, suffix).exists());
    match error.sqlite_error_code() {
        // Whoever is copying from the log, or died over it, leaves a file that is whole only together with it. With
        // this pragma SQLite reads the header of a file that is shorter than its header says.
        Some(ErrorCode::DatabaseCorrupt) if damaged || leftover_log(&file).is_some() => {
            match application_id(path, "PRAGMA writable_schema = ON;") {
                Ok(id) => Ok(Some(id)),
                Err(_) => Err(located(error.into(), path)),
            }
        }
        Some(ErrorCode::NotADatabase) if !may_be_open => {
            let mut start = Vec::with_capacity(16);
            let file = fs::File::open(path).map_err(io_error("open", path))?;
            file.take(72).read_to_end(&mut start).map_err(io_error("read", path))?;
            if start.starts_with(b"SQLite format 3\0") {
                Err(located(error.into(), path))
            } else if start.iter().all(|byte| !byte.is_ascii_control() || byte.is_ascii_whitespace()) {
                not_ours(path, "a text file")
            } else {
                not_ours(path, "a file of another format")
            }
        }
        // Who may not read the file is told so by the system's own error.
        Some(ErrorCode::CannotOpen) if !may_be_open => {
            Err(fs::File::open(path).map_or_else(io_error("open", path), |_| error.into()))
        }
        _ => Err(located(error.into(), path)),
    }
}

fn application_id(path: &Path, pragma: &str) -> Result<i64, rusqlite::Error> {
    let connection = immutable(path)?;
    connection.execute_batch(pragma)?;
    connection.pragma_query_value(None, "application_id", |row| row.get(0))
}

/// Opens a file without locks and without making files beside it: what is in its log is not seen.
pub(crate) fn open_immutable(path: &Path) -> Result<Connection, Error> {
    Ok(immutable(&std::path::absolute(path).map_err(io_error("open", path))?)?)
}

/// The same for an absolute path.
fn immutable(path: &Path) -> Result<Connection, rusqlite::Error> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(uri(path, "immutable=1"), flags)?;
    connection.execute_batch(
        "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA query_only = ON;
         PRAGMA temp_store = MEMORY;",
    )?;
    Ok(connection)
}

/// <https://www.sqlite.org/uri.html>
fn uri(path: &Path, query: &str) -> String {
    let mut uri = String::from("file://");
    if cfg!(windows) {
        uri.push('/');
    }
    for &byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'\\' if cfg!(windows) => uri.push('/'),
            b'/' | b'.' | b'-' | b'_' | b':' => uri.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => uri.push(char::from(byte)),
            byte => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri + "?" + query
}

/// A write-ahead log or rollback journal of a database of this name, with something in it.
fn leftover_log(path: &Path) -> Option<PathBuf> {
    ["-wal", "-journal"].into_iter().find_map(|suffix| {
        let log = beside(path, suffix);
        fs::metadata(&log).is_ok_and(|metadata| metadata.len() > 0).then_some(log)
    })
}

fn not_ours<T>(path: &Path, found: impl Into<String>) -> Result<T, Error> {
    Err(Error::NotADatabase { path: path.to_owned(), found: found.into() })
}

/// Makes a new file beside its place and puts it there whole, so that no other process ever sees it
/// half made and a crash leaves nothing that looks like a database.
fn create(path: &Path) -> Result<(), Error> {
    files::refuse_too_long(path)?;
    let made = DraftFile::scratch(path).and_then(|draft| {
        let connection = connect(draft.path(), false)?;
        schema::create(&connection)?;
        draft::close(connection, draft.path())?;
        // Where another process was faster, theirs is as good.
        draft.publish_unless_taken()
    });
    made.map_err(|error| located(error, path))
}

/// How often a file that may be written is opened before it is taken for one that may not.
const ATTEMPTS_TO_WRITE: usize = 2;

pub(crate) fn connect(path: &Path, read_only: bool) -> Result<Connection, Error> {
    let access = if read_only { OpenFlags::SQLITE_OPEN_READ_ONLY } else { OpenFlags::SQLITE_OPEN_READ_WRITE };
    // NO_MUTEX: each connection is used by one thread at a time, our own locks see to that.
    let open = || Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX);
    let mut connection = open()?;
    // SQLite opens for reading what it cannot open for writing, whatever the reason: also when only a descriptor was
    // lacking for a moment.
    for _ in 1..ATTEMPTS_TO_WRITE {
        if read_only || !connection.is_readonly(MAIN_DB)? {
            break;
        }
        connection = open()?;
    }
    Ok(connection)
}

/// Whether a connection may take the lock of writers; also when another has it.
fn may_lock(connection: &Connection, options: &StoreOptions) -> Result<bool, Error> {
    connection.busy_timeout(Duration::ZERO)?;
    let locked = connection.execute_batch("BEGIN IMMEDIATE; ROLLBACK;").map_err(Error::from);
    connection.busy_timeout(options.busy_timeout)?;
    match locked {
        Err(Error::ReadOnly { .. }) => Ok(false),
        // Whatever else it is, it comes again where it matters.
        _ => Ok(true),
    }
}

/// Whether SQLite could not make or open what it needs beside a file.
fn is_refused(error: &Error) -> bool {
    match error {
        Error::ReadOnly { .. } => true,
        Error::Sqlite { source } => source.sqlite_error_code() == Some(ErrorCode::CannotOpen),
        _ => false,
    }
}

/// When a file was last changed, and how long it was then.
#[derive(Debug, PartialEq, Eq)]
struct Stamp(u64, Option<SystemTime>);

impl Stamp {
    fn of(path: &Path) -> Result<Self, Error> {
        let metadata = fs::metadata(path).map_err(io_error("look at", path))?;
        Ok(Self(metadata.len(), metadata.modified().ok()))
    }
}

impl From<rusqlite::Error> for Error {
    fn from(source: rusqlite::Error) -> Self {
        let detail = || source.to_string();
        match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { detail: detail() },
            Some(ErrorCode::ReadOnly) => Self::ReadOnly { what: "the database".to_owned() },
            Some(ErrorCode::DiskFull) => Self::Full { detail: detail() },
            Some(ErrorCode::SystemIoFailure) if is_lack_of_room(&source) => Self::Full { detail: detail() },
            Some(ErrorCode::DatabaseCorrupt) => Self::Corrupt { detail: detail() },
            Some(ErrorCode::NotADatabase) => Self::Corrupt { detail: detail() },
            Some(ErrorCode::OperationInterrupted) => Self::Interrupted,
            _ if is_unreadable(&source) => Self::Corrupt { detail: detail() },
            _ => Self::Sqlite { source },
        }
    }
}

/// Whether a row holds what no program of ours writes (text that is not UTF-8, JSON that does not parse, a
/// number out of range), or the file ends before one of its pages.
fn is_unreadable(error: &rusqlite::Error) -> bool {
    matches!(
        error,
        rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::Utf8Error(..)
    ) || error
        .sqlite_error()
        .is_some_and(|error| error.extended_code == rusqlite::ffi::SQLITE_IOERR_SHORT_READ)
}

/// Whether there was no room, or a limit on the size of files or a quota was met, which SQLite does not always tell from a
/// broken disk. It keeps the system's error number, but no safe code gives that out; the write was the connection's last
/// call that failed, so the thread still has its number. Should another one have failed since, it is an I/O error as before.
fn is_lack_of_room(error: &rusqlite::Error) -> bool {
    let writes = [
        rusqlite::ffi::SQLITE_IOERR_WRITE,
        rusqlite::ffi::SQLITE_IOERR_TRUNCATE,
        rusqlite::ffi::SQLITE_IOERR_SHMSIZE,
    ];
    let rooms = [IoKind::FileTooLarge, IoKind::StorageFull, IoKind::QuotaExceeded];
    error.sqlite_extended_error_code().is_some_and(|code| writes.contains(&code))
        && rooms.contains(&std::io::Error::last_os_error().kind())
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
