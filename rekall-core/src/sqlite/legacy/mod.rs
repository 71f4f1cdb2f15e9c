//! Files of the Python tool that rekall grew out of: recognized, imported, migrated.
//!
//! [`probe`] says what a file is. [`SqliteStore::import_legacy`](crate::SqliteStore::import_legacy) brings one into an open store and leaves it as it
//! is. [`migrate`] (or [`SqliteStore::open`](crate::SqliteStore::open) with [`StoreOptions::migrate`](crate::StoreOptions::migrate)) puts a
//! new file in its place and keeps the old one beside it. Schemas 0 to 12 are known, all three that were
//! numbered 12 among them.
//!
//! # How the old data is mapped
//!
//! | Python | here |
//! |---|---|
//! | `entries`: id, title, content, project, confidence, status, superseded_by, memory_type | columns of the same names; content NULL becomes empty |
//! | `entries.type` | kind |
//! | `entries.created_at`, `updated_at` | UTC, see below; as written in `legacy` |
//! | `context_blob`, else `context_structured`, else `context_compressed` | context: `files_modified` as files, `conversation_excerpt` or the free text as text; fields without a place in `legacy.context` |
//! | every other column of `entries` (`last_accessed`, `access_count`, `consolidation_score`, `next_review`, `review_interval`, `ease_factor`, `centrality_score`, unknown ones) | `legacy`, by its name |
//! | `tags` | tags, sorted: the tool did not keep the author's order |
//! | `links` | links; id and time as written in the source entry's `legacy.links` |
//! | `embeddings` | vectors; their row without the vector in `legacy.embeddings` |
//! | `context_keywords` | nowhere, when they are the context's trigger keywords in lower case; else `legacy.context_keywords` |
//! | `entry_sources` | `legacy.entry_sources` |
//! | `suggestions`, `metadata`, `sources`, `source_themes`, `known_domains`, `saved_filters`, `sources_inbox`, `sources_staging`, `connector_imports`, any unknown table, and rows that hang on no entry | `meta`, a row each, under `legacy:TABLE:DIGEST`; see [`legacy_rows`](crate::store::ReadLegacyRows::legacy_rows) |
//! | words, `embeddings_vec` | rebuilt |
//!
//! In JSON, a BLOB is `{"$hex": "…"}`, text that is not UTF-8 `{"$text": "…"}`; columns that are NULL are left out.
//! `legacy.schema` is the number of the file's schema. Values that no caller could give (an unknown type, an
//! empty title, a NUL in the content) are kept as they are.
//!
//! Ids are kept. An id that is no ULID is replaced by one made of its text and its entry's time, always the
//! same, and kept in `legacy.id`. An entry whose id the store has already is left alone with all that belongs to
//! it, so importing a file twice changes nothing.
//!
//! # Times
//!
//! The tool wrote local times without a zone. Nearly every row's id gives the offset, because its first half is
//! the same moment in UTC. The offset is, in this order: a zone in the text; the difference to the row's own
//! id to the nearest quarter of an hour, if it is between −12 and +14 hours and within 10 seconds of one (for
//! times of creation); [`LegacyImportOptions::utc_offset_minutes`]; that of the nearest time in the file
//! whose offset an id gives; none. `legacy.utc_offset_minutes` and `legacy.utc_offset_from` (`text`, `id`,
//! `option`, `neighbor` or `assumed`) say which it was for an entry's creation.
//!
//! # Vectors
//!
//! Vectors of one model name and length make a space with the fingerprint `imported, model NAME, unverified`.
//! The largest becomes the active one, if the store has none; the others are kept as retired spaces. A vector
//! that is no whole number of f32, has not as many components as its row says, is not finite, is all zero, is of
//! an unknown type or a second of its type goes into `quarantine` with the reason. Lengths further from 1
//! than 0.001 are made 1. A vector older than its entry's last change may not fit the text any more; that
//! cannot be known, so it is used, counted ([`LegacyImportReport::possibly_stale`]) and marked in
//! `legacy.embeddings`. Entries without a fit vector, or with one in quarantine, wait for one (`pending`).

mod cell;
mod context;
mod entry;
mod lock;
mod migrate;
mod probe;
mod read;
mod report;
mod source;
mod time;
mod unmapped_rows;
mod vectors;
mod write;

use std::path::Path;
use std::sync::atomic::AtomicBool;

pub use migrate::migrate;
pub(crate) use migrate::migrate_for_open;
pub use probe::{LegacyFile, Variant};
pub use report::{ImportedSpace, LegacyImportReport, Quarantined};
pub use time::OffsetSource;

use crate::files::io_error;
use crate::sqlite::schema;
use crate::{Error, SqliteStore};
use source::Source;

/// How an import or a migration is done.
///
/// ```no_run
/// # use rekall_core::{SqliteStore, Store, StoreOptions, legacy::LegacyImportOptions};
/// # fn main() -> Result<(), rekall_core::Error> {
/// let store = SqliteStore::open("new.db", &StoreOptions::default())?;
/// let mut show = |done: u64, total: u64| println!("{done} of {total}");
/// let options = LegacyImportOptions::default().utc_offset_minutes(60).progress(&mut show);
/// let report = store.import_legacy("knowledge.db", options)?;
/// println!("{} entries, {} vectors not usable", report.entries, report.quarantined);
/// # Ok(())
/// # }
/// ```
#[derive(Default)]
#[non_exhaustive]
pub struct LegacyImportOptions<'a> {
    /// Offset of the file's local times from UTC, in minutes east of Greenwich (Paris in winter: 60), for
    /// times whose offset no id gives. Default `None`: the nearest known offset in the file.
    pub utc_offset_minutes: Option<i32>,
    /// Called after each entry with the number of entries done and of all.
    pub progress: Option<&'a mut dyn FnMut(u64, u64)>,
    /// Set to true to stop: [`Error::Interrupted`], and nothing is changed.
    pub cancel: Option<&'a AtomicBool>,
}

impl<'a> LegacyImportOptions<'a> {
    /// Sets the offset for times whose offset no id gives.
    #[must_use]
    pub fn utc_offset_minutes(mut self, minutes: i32) -> Self {
        self.utc_offset_minutes = Some(minutes);
        self
    }

    /// Sets what is called after each entry.
    #[must_use]
    pub fn progress(mut self, progress: &'a mut dyn FnMut(u64, u64)) -> Self {
        self.progress = Some(progress);
        self
    }

    /// Sets the flag that stops the work.
    #[must_use]
    pub fn cancel(mut self, cancel: &'a AtomicBool) -> Self {
        self.cancel = Some(cancel);
        self
    }

    fn checked_offset(&self) -> Result<Option<i32>, Error> {
        match self.utc_offset_minutes {
            Some(minutes) if minutes.abs() > 18 * 60 => Err(Error::OutOfRange {
                field: "utc_offset_minutes",
                expected: "-1080 to 1080",
                got: minutes.to_string(),
            }),
            offset => Ok(offset),
        }
    }
}

impl std::fmt::Debug for LegacyImportOptions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LegacyImportOptions")
            .field("utc_offset_minutes", &self.utc_offset_minutes)
            .field("progress", &self.progress.is_some())
            .field("cancel", &self.cancel)
            .finish()
    }
}

/// Says what a file of the Python tool holds, without leaving a trace on it or beside it.
///
/// Costs a pass over three tables; a file with a `-wal` or `-journal` beside it is first copied to the
/// system's folder for temporary files.
///
/// ```no_run
/// let file = rekall_core::legacy::probe("knowledge.db")?;
/// println!("{} entries, {} vectors", file.entries, file.vectors);
/// # Ok::<(), rekall_core::Error>(())
/// ```
///
/// # Errors
/// [`Error::NotALegacyFile`] for a rekall file or any other database; [`Error::NotADatabase`] for folders,
/// empty files and other formats; [`Error::NewerVersion`] when the header names a schema above 12;
/// [`Error::Corrupt`]; [`Error::Busy`] when another program keeps changing the file; [`Error::Io`].
pub fn probe(path: impl AsRef<Path>) -> Result<LegacyFile, Error> {
    let source = open(path.as_ref(), &std::env::temp_dir())?;
    let (file, _) =
        probe::examine(&source.connection, path.as_ref()).map_err(|error| error.at_path(path.as_ref()))?;
    Ok(file)
}

fn open(path: &Path, folder: &Path) -> Result<Source, Error> {
    // Absolute, because it is looked at more than once.
    let path = &std::path::absolute(path).map_err(io_error("open", path))?;
    match crate::sqlite::connection::examine(path)? {
        None => Err(io_error("open", path)(std::io::ErrorKind::NotFound.into())),
        // Before anything is copied: a store that this process has open would lose its locks.
        Some(schema::APPLICATION_ID) => Err(probe::is_ours(path)),
        Some(_) => Source::open(path, folder),
    }
}

impl SqliteStore {
    /// Brings everything in a file of the Python tool into this store, in one transaction; the file is left
    /// as it is. [The module](crate::legacy) says how the data is mapped.
    ///
    /// Costs about a write of each entry with its vectors, and memory for tags, links and the like, some
    /// hundred bytes an entry. Writers wait meanwhile, readers do not.
    ///
    /// # Errors
    /// Those of [`legacy::probe`](probe); [`Error::Corrupt`] when a table is damaged; [`Error::Interrupted`];
    /// [`Error::OutOfRange`] for an offset over 18 hours; [`Error::ReadOnly`], [`Error::Full`], [`Error::Busy`].
    /// Nothing is changed then.
    pub fn import_legacy(
        &self,
        path: impl AsRef<Path>,
        options: LegacyImportOptions<'_>,
    ) -> Result<LegacyImportReport, Error> {
        let source = open(path.as_ref(), &std::env::temp_dir())?;
        write::import(self, &source, options)
    }
}
