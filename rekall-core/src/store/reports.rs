//! What upkeep and transfer of a store report, and how they are asked for.

use serde::Serialize;

use crate::EntryId;
use crate::jsonl::EntryLine;

/// What a [`Problem`] is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProblemKind {
    /// The file itself: pages, indexes of SQLite, constraints. `salvage` carries over what can be read.
    File,
    /// A table, trigger or index is missing or not as this version makes it.
    Schema,
    /// The word index does not say what the entries say.
    FullText,
    /// The tag index does not say what the entries say.
    Tags,
    /// A row names an entry or a space that is not there.
    Orphan,
    /// A vector that no search may see.
    Vector,
    /// A space with an unknown state, or dimensions that cannot be or that its vectors do not have; a second active one, or
    /// none where there are vectors.
    Space,
    /// The change log does not know of an entry, or a number is impossible that it, or row numbers, are counted by.
    ChangeLog,
    /// What an index has persisted is not whole, of a moment that never was, or not what the vectors say. A search that notices
    /// reads the vectors instead.
    Blocks,
    /// An entry without vectors that is not marked as waiting for them.
    Pending,
    /// What is known of an entry's source, or of its use, cannot be read.
    Source,
    /// An entry that cannot be read: an id that is no ULID, JSON that does not parse, a value of a wrong type, an impossible
    /// row number.
    Unreadable,
}

/// Something found by [`SqliteStore::check`](crate::SqliteStore::check).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Problem {
    /// What it is about.
    pub kind: ProblemKind,
    /// What was expected and what was found, in a line.
    pub detail: String,
    /// The entry concerned, when its id is known.
    pub entry: Option<EntryId>,
    /// Row number of the entry concerned.
    pub row: Option<i64>,
}

/// What [`SqliteStore::check`](crate::SqliteStore::check) looked at and found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CheckReport {
    /// The problems, at most [`CheckReport::LISTED`] of each kind.
    pub problems: Vec<Problem>,
    /// Number of problems, the ones not listed included.
    pub found: u64,
    /// Entries looked at.
    pub entries: u64,
    /// Vectors looked at.
    pub vectors: u64,
    /// Rows of the tag index looked at.
    pub tags: u64,
    /// Links looked at.
    pub links: u64,
    /// Pages of the file looked at.
    pub pages: u64,
}

impl CheckReport {
    /// Most problems of a kind that are listed one by one.
    pub const LISTED: usize = 1_000;

    /// Whether nothing was found.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.found == 0
    }
}

/// An entry that had unreadable parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RepairedEntry {
    /// Its id, which is new when it had none.
    pub id: EntryId,
    /// The columns that could not be read. What they held is in the entry's `legacy`, under `unreadable`; but an
    /// impossible row number (`id`), which another one took the place of.
    pub columns: Vec<String>,
}

/// What [`SqliteStore::repair`](crate::SqliteStore::repair) did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RepairReport {
    /// Entries that had unreadable parts.
    pub repaired: Vec<RepairedEntry>,
    /// Vectors moved to the quarantine.
    pub quarantined: u64,
    /// Rows removed because they named an entry or a space that is not there, and references cleared.
    pub orphans: u64,
    /// Entries newly marked as waiting for their vectors.
    pub pending: u64,
    /// Faults of spaces that were repaired: state, dimensions, the model's name.
    pub spaces: u64,
    /// Tables, triggers and indexes that were rebuilt.
    pub objects: u64,
}

/// What [`SqliteStore::compact`](crate::SqliteStore::compact) gained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CompactReport {
    /// Bytes of the file and its write-ahead log before.
    pub bytes_before: u64,
    /// Bytes of both now.
    pub bytes_after: u64,
    /// Whether the log was emptied and, with [`StoreOptions::secure_delete`](crate::StoreOptions::secure_delete),
    /// everything forgotten erased. False when a reader that looks at an older state, or another writer, was in the
    /// way: compact once more when it is gone.
    pub complete: bool,
}

/// What [`SqliteStore::export_jsonl`](crate::SqliteStore::export_jsonl) wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ExportReport {
    /// Entries.
    pub entries: u64,
    /// Vectors.
    pub vectors: u64,
    /// Links.
    pub links: u64,
    /// Vectors written as quarantined, those included that no check had found yet.
    pub quarantined: u64,
    /// Entries with parts that cannot be read, and which: these were written under `unreadable` in the entry's `legacy`,
    /// as [`SqliteStore::repair`](crate::SqliteStore::repair) would put them.
    pub repaired: Vec<RepairedEntry>,
}

impl ExportReport {
    /// An entry was written, with all that hangs on it.
    pub(crate) fn count(&mut self, entry: &EntryLine) {
        self.entries += 1;
        self.vectors += entry.vectors.len() as u64;
        self.links += entry.links.len() as u64;
        self.quarantined += entry.quarantine.len() as u64;
    }
}

/// How [`SqliteStore::export_jsonl`](crate::SqliteStore::export_jsonl) works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct JsonlExportOptions {
    /// Whether vectors are written, the quarantined ones included, and the spaces that they belong to. Default: yes; one of 384
    /// dimensions takes 2,048 characters. Without them all entries wait for vectors after an import.
    pub vectors: bool,
}

impl JsonlExportOptions {
    /// Everything but the vectors.
    ///
    /// ```
    /// # use rekall_core::JsonlExportOptions;
    /// assert!(JsonlExportOptions::default().vectors && !JsonlExportOptions::without_vectors().vectors);
    /// ```
    #[must_use]
    pub const fn without_vectors() -> Self {
        Self { vectors: false }
    }
}

impl Default for JsonlExportOptions {
    fn default() -> Self {
        Self { vectors: true }
    }
}

/// What an import does with an entry whose id is there already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnDuplicate {
    /// Keeps the one that is there, and counts it.
    #[default]
    Skip,
    /// Gives up with [`Error::DuplicateId`](crate::Error::DuplicateId); nothing is imported.
    Refuse,
    /// Puts the imported one in its place, with its links, vectors and marks. Links to it stay.
    Replace,
}

/// How [`SqliteStore::import_jsonl`](crate::SqliteStore::import_jsonl) works.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct JsonlImportOptions {
    /// What to do with an entry whose id is there already.
    pub on_duplicate: OnDuplicate,
}

impl JsonlImportOptions {
    /// Options with this way of treating entries that are there already.
    ///
    /// ```
    /// # use rekall_core::{JsonlImportOptions, OnDuplicate};
    /// let options = JsonlImportOptions::on_duplicate(OnDuplicate::Replace);
    /// assert_eq!(options.on_duplicate, OnDuplicate::Replace);
    /// # Ok::<(), rekall_core::Error>(())
    /// ```
    #[must_use]
    pub const fn on_duplicate(on_duplicate: OnDuplicate) -> Self {
        Self { on_duplicate }
    }
}

/// What [`SqliteStore::import_jsonl`](crate::SqliteStore::import_jsonl) wrote.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct JsonlImportReport {
    /// Entries added.
    pub added: u64,
    /// Entries that took the place of one with their id.
    pub replaced: u64,
    /// Entries left alone because their id was there already.
    pub skipped: u64,
    /// Vectors written.
    pub vectors: u64,
    /// Links written.
    pub links: u64,
    /// Vectors written as quarantined.
    pub quarantined: u64,
    /// Spaces added.
    pub spaces: u64,
}
