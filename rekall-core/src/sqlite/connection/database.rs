//! A rekall file, known to be one, and still to be the one that was opened.

use std::fs;
use std::io::ErrorKind as IoKind;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::SystemTime;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, MAIN_DB};

use super::examine::{Examined, leftover_log, not_ours};
use super::open::{ATTEMPTS_TO_WRITE, connect, immutable, is_refused, may_lock};
use super::options::{LONGEST_WAIT, StoreOptions, Synchronous};
use super::pool::{Pool, Pooled};
use crate::Error;
use crate::files::{self, Identity, io_error, with_suffix};
use crate::sqlite::schema::{self, FileFormat};
use crate::staged_file::{self, StagedFile};

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
    /// The file is of this older version, and nobody here may change that.
    older: Option<i64>,
    idle: Pool,
}

impl Database {
    /// Checks the file that was examined, or makes it, and gives it with its first connection.
    pub(crate) fn open(examined: Examined, options: &StoreOptions) -> Result<(Self, Connection), Error> {
        let Examined { path, application_id, leftover_log } = examined;
        match application_id {
            Some(_) => {}
            None if options.create && !options.read_only => match leftover_log {
                None => create(&path)?,
                // SQLite would play it into the new file; and it may hold the last notes of a lost file.
                Some(log) => {
                    let detail =
                        format!("{} is left of a database that is gone: move it away", log.display());
                    return Err(Error::Corrupt { detail });
                }
            },
            None => return Err(Error::FileNotFound { path }),
        }
        let mut database = Self::of(path, options.clone())?;
        let connection = database.first_connection()?;
        database.check_version(connection)
    }

    fn of(path: PathBuf, mut options: StoreOptions) -> Result<Self, Error> {
        let file = files::resolved(&path).map_err(io_error("open", &path))?;
        let identity = Identity::of(&file).map_err(io_error("open", &path))?;
        options.busy_timeout = options.busy_timeout.min(LONGEST_WAIT);
        Ok(Self {
            path,
            identity,
            log: with_suffix(&file, "-wal"),
            log_identity: OnceLock::new(),
            file,
            frozen: None,
            idle: Pool::new(options.readers),
            options,
            older: None,
        })
    }

    /// Brings a file of an older version up to date, and refuses what is no rekall file.
    fn check_version(mut self, mut connection: Connection) -> Result<(Self, Connection), Error> {
        let path = &self.path;
        let mut found = schema::identify(&connection).map_err(|error| error.at_path(path))?;
        if matches!(found, FileFormat::Older(_)) && !self.options.read_only {
            match schema::upgrade(&connection) {
                // The file or its folder: it is read as it is then, like any other.
                Ok(()) | Err(Error::ReadOnly { .. }) => found = schema::identify(&connection)?,
                Err(error) => return Err(error.at_path(path)),
            }
        }
        match found {
            FileFormat::Current => Ok((self, connection)),
            FileFormat::Older(version) => {
                self.older = Some(version);
                connection = self.connect(self.options.read_only)?;
                Ok((self, connection))
            }
            FileFormat::Newer(found) => {
                Err(Error::NewerVersion { path: self.path, found, supported: schema::VERSION })
            }
            FileFormat::Legacy(schema) => Err(Error::LegacyFile { path: self.path, schema }),
            FileFormat::Empty => not_ours(path, "an SQLite database without tables"),
            FileFormat::Foreign(found) => not_ours(path, found),
        }
    }

    /// As it was given, made absolute.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the file is of an older version, and nobody here may change that.
    pub(crate) fn is_older(&self) -> bool {
        self.older.is_some()
    }

    /// Where the file itself is, and its log beside it.
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    /// Which file it is.
    pub(crate) fn identity(&self) -> Identity {
        self.identity.clone()
    }

    /// Refuses to go on when the file's name, or its log's, no longer leads to what was opened. Connections that are open
    /// stay with their file, but find the log, and others find it, by its name: what one file's writer puts there is
    /// taken for the other's, or is never read. Costs two looks at a name, about a microsecond each.
    ///
    /// Checked after the statement that fixes a transaction's view: while the name led here, no process could use the log for
    /// another file.
    pub(crate) fn check_not_replaced(&self) -> Result<(), Error> {
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
            // A process that may write has opened the file since.
            Some(_) if files::exists(&self.log)? => replaced(&self.path),
            Some(stamp) if Stamp::of(&self.file)? != *stamp => replaced(&self.path),
            _ => Ok(()),
        }
    }

    /// What a failed statement's error means: where the file or its log is gone, SQLite reports damage or a failing disk.
    pub(crate) fn explain(&self, error: Error) -> Error {
        match self.check_not_replaced() {
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
            if read_only
                || connection.is_readonly(MAIN_DB)?
                || may_lock(&connection, self.options.busy_timeout)?
            {
                break;
            }
            drop(connection);
            connection = self.connect(read_only)?;
        }
        // Locked by the connection: no process removes the log now.
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
        match StagedFile::scratch(&self.file) {
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
        self.check_not_replaced()?;
        let connection = match self.frozen {
            Some(_) => immutable(&self.file)?,
            None => connect(&self.file, self.options.read_only)?,
        };
        // Once more: what was opened is what stands there now. SQLite has not looked for a log yet.
        self.check_not_replaced()?;
        self.set_up(&connection, read_only).map_err(|error| self.explain(error))?;
        Ok(connection)
    }

    fn set_up(&self, connection: &Connection, read_only: bool) -> Result<(), Error> {
        let options = &self.options;
        connection.busy_timeout(options.busy_timeout)?;
        let synchronous = match options.synchronous {
            Synchronous::Normal => "NORMAL",
            Synchronous::Full => "FULL",
        };
        let stand_in = self.older.map(schema::stand_in).unwrap_or_default();
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
        // A plan may otherwise depend on the values bound, a LIMIT among them, and each statement with one would be
        // prepared again for each search.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        crate::sqlite::filter::install(connection)?;
        Ok(())
    }

    /// A reading connection: an idle one, or a new one.
    pub(crate) fn reader(&self) -> Result<Pooled<'_>, Error> {
        self.idle.take(|| self.connect(true).map_err(|error| error.at_path(&self.path)))
    }

    /// Closes idle reading connections, and with them their page caches.
    pub(crate) fn close_idle(&self) {
        self.idle.clear();
    }
}

/// Makes a new file beside its place and puts it there whole, so that no other process ever sees it
/// half made and a crash leaves nothing that looks like a database.
fn create(path: &Path) -> Result<(), Error> {
    files::refuse_too_long(path)?;
    let made = StagedFile::scratch(path).and_then(|draft| {
        let connection = connect(draft.path(), false)?;
        schema::create(&connection)?;
        staged_file::close(connection, draft.path())?;
        // Where another process was faster, theirs is as good.
        draft.publish_unless_taken()
    });
    made.map_err(|error| error.at_path(path))
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
