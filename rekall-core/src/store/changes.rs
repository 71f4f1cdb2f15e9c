//! The change log: how everything derived from the rows catches up.

use crate::Error;

/// A moment in the history of one file: how far its change log had come, and in which of the file's lives.
///
/// A number alone names no moment. An older state may be copied into the file while it is open (SQLite's backup interface,
/// `.restore` of its shell), and what is written from there on gets numbers that were given before. Every such copy
/// also changes the file's schema cookie, to the one that was there plus one, and so does `VACUUM` and a change of the schema;
/// no ordinary write does. So the two together are equal only where nothing happened in between. They mean something as long
/// as the file is open, and are not to be compared with those of another file or of another time.
///
/// Not seen is what SQLite itself cannot see: another file's pages written over those of an open one by other means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LogPosition {
    /// Which of the file's lives: SQLite's schema cookie.
    incarnation: i64,
    /// The highest number that the log had given.
    number: i64,
}

impl LogPosition {
    /// What [`incarnation`](Self::incarnation) and [`number`](Self::number) gave.
    #[must_use]
    pub const fn new(incarnation: i64, number: i64) -> Self {
        Self { incarnation, number }
    }

    /// Which of the file's lives the number counts in: another one when the file was restored from a copy, or compacted.
    #[must_use]
    pub const fn incarnation(self) -> i64 {
        self.incarnation
    }

    /// The highest number that the log had given: grows within one life of the file. What is persisted of an index is tagged
    /// with it, for it goes wherever the file's rows go.
    #[must_use]
    pub const fn number(self) -> i64 {
        self.number
    }

    /// The position that `changes` more changes lead to.
    #[must_use]
    pub const fn later_by(self, changes: i64) -> Self {
        Self { number: self.number.saturating_add(changes), ..self }
    }

    /// Whether both are of one life of the file, so that their numbers may be compared.
    #[must_use]
    pub const fn same_history(self, other: Self) -> bool {
        self.incarnation == other.incarnation
    }
}

/// What changed since a position of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changes {
    /// These entries, in the order of their newest change: written, changed, or gone.
    Entries {
        /// The log's position now.
        position: LogPosition,
        /// Row numbers, each once.
        entries: Vec<i64>,
        /// Whether a space was added, switched or dropped.
        spaces: bool,
    },
    /// The log no longer reaches back that far, another space is active since, or an older state was put into the file: read
    /// everything again.
    Lost {
        /// The log's position now.
        position: LogPosition,
    },
}

/// The change log.
pub trait ReadChanges {
    /// The log's position: its number grows with every change of entries, of vectors in the active space, and of
    /// spaces, by any program. Costs two small reads, a few microseconds.
    ///
    /// ```
    /// # use rekall_core::{Draft, NewEntry, SqliteStore, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// let before = tx.position()?;
    /// tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari"))])?;
    /// assert!(tx.position()?.number() > before.number());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn position(&self) -> Result<LogPosition, Error>;

    /// The position with this number in the file's present life: what is persisted of an index is tagged with numbers alone.
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn position_numbered(&self, number: i64) -> Result<LogPosition, Error>;

    /// What changed after `position`. Cost: proportional to the number of changed entries.
    ///
    /// ```
    /// # use rekall_core::{Changes, Draft, NewEntry, SqliteStore, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// # let ids = tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari")), Draft::new(&NewEntry::new("Proxy set-up"))])?;
    /// let before = tx.position()?;
    /// tx.delete(ids[0].id)?;
    /// let Changes::Entries { entries, .. } = tx.changes_since(before)? else { panic!("all is known") };
    /// assert_eq!(entries, [ids[0].row]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn changes_since(&self, position: LogPosition) -> Result<Changes, Error>;

    /// The position of an entry's newest change, its vectors in the active space included: whichever program made it, and whatever the
    /// clock said. Who works on an entry without a lock compares it in the transaction that writes: where it is the same,
    /// no program has touched either. `row` is the entry's row number.
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn newest_change(&self, row: i64) -> Result<LogPosition, Error>;
}
