//! Entries out of the file and into it: JSON lines, files of the Python tool.

use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::atomic::AtomicBool;

use rekall_core::{
    Error as CoreError, ExportReport, JsonlExportOptions, JsonlImportOptions, JsonlImportReport,
    LegacyImport, OnDuplicate, Store, Transfer, legacy,
};

use crate::builder::expect_file;
use crate::cancel::flag_of;
use crate::{LongCall, Rekall};

/// How [`Rekall::import_legacy`] reads a file. Set by the setters of the call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LegacyOptions {
    /// See [`LongCall::utc_offset_minutes`].
    pub utc_offset_minutes: Option<i32>,
}

impl<T> LongCall<'_, T, JsonlExportOptions> {
    /// Whether vectors are written, too. Default: yes. See [`JsonlExportOptions::vectors`].
    pub fn vectors(mut self, vectors: bool) -> Self {
        self.options.vectors = vectors;
        self
    }
}

impl<T> LongCall<'_, T, JsonlImportOptions> {
    /// What to do with an entry whose id is there already. Default: [`OnDuplicate::default`].
    pub fn on_duplicate(mut self, on_duplicate: OnDuplicate) -> Self {
        self.options.on_duplicate = on_duplicate;
        self
    }
}

impl<T> LongCall<'_, T, LegacyOptions> {
    /// What the file's local times are off from UTC, in minutes east of Greenwich, for times whose offset the file does not
    /// say. Default: it is guessed, see [`utc_offset_minutes`](legacy::LegacyImportOptions::utc_offset_minutes).
    pub fn utc_offset_minutes(mut self, minutes: i32) -> Self {
        self.options.utc_offset_minutes = Some(minutes);
        self
    }
}

impl Rekall {
    /// Writes everything as lines of JSON, losslessly; see [`rekall_core::SqliteStore::export_jsonl`].
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// rekall.remember(NewEntry::new("Renew the certificate"))?;
    /// let mut lines = Vec::new();
    /// assert_eq!(rekall.export_jsonl(&mut lines).run()?.entries, 1);
    /// # let other = Rekall::builder(folder.path().join("b.db")).without_model().open()?;
    /// assert_eq!(other.import_jsonl(&mut lines.as_slice()).run()?.added, 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`](crate::Error::Core) when `out` fails or an entry cannot be read.
    pub fn export_jsonl<'a>(
        &'a self,
        out: &'a mut dyn Write,
    ) -> LongCall<'a, ExportReport, JsonlExportOptions> {
        LongCall::with_options(JsonlExportOptions::default(), |options, watch| {
            watch.in_storage(|progress, cancel| {
                transfer_of(&*self.store)?.export_jsonl(out, &options, progress, flag_of(cancel))
            })
        })
    }

    /// As [`export_jsonl`](Self::export_jsonl), to a new file that only its owner may read and that appears when it is whole.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = rekall::Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// rekall.export_jsonl_file(folder.path().join("notes.jsonl")).run()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`](crate::Error::Core) when the target exists or cannot be written. There is no target then, nor when
    /// it is stopped.
    pub fn export_jsonl_file<'a>(
        &'a self,
        target: impl AsRef<Path> + 'a,
    ) -> LongCall<'a, ExportReport, JsonlExportOptions> {
        LongCall::with_options(JsonlExportOptions::default(), move |options, watch| {
            watch.in_storage(|progress, cancel| {
                expect_file(target.as_ref(), "an export to a file of lines")?;
                transfer_of(&*self.store)?.export_jsonl_file(
                    target.as_ref(),
                    &options,
                    progress,
                    flag_of(cancel),
                )
            })
        })
    }

    /// Reads what [`export_jsonl`](Self::export_jsonl) wrote, or lines of entries without an export's header, one JSON object
    /// each (`docs/jsonl.md` has both forms): all of it or nothing. Entries without vectors of the file's model wait for
    /// [`embed_pending`](Self::embed_pending); words find them at once.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{Rekall, upkeep::OnDuplicate};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// let mut lines = br#"{"title": "Rotate the key", "tags": ["tls"]}"#.as_slice();
    /// let report = rekall.import_jsonl(&mut lines).on_duplicate(OnDuplicate::Skip).run()?;
    /// assert_eq!(report.added, 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`](crate::Error::Core), naming the line that cannot be read.
    pub fn import_jsonl<'a>(
        &'a self,
        input: &'a mut dyn BufRead,
    ) -> LongCall<'a, JsonlImportReport, JsonlImportOptions> {
        LongCall::with_options(JsonlImportOptions::default(), |options, watch| {
            self.maintain(|store| {
                watch.in_storage(|progress, cancel| {
                    transfer_of(store)?.import_jsonl(input, &options, progress, flag_of(cancel))
                })
            })
        })
    }

    /// Reads a file of the Python tool into this one: all of it or nothing. The original is only read.
    ///
    /// Vectors come along. They stay in a space of their own, which answers
    /// [`recall_vector`](Self::recall_vector) and [`similar_to`](Self::similar_to) without a model, until
    /// [`reembed`](Self::reembed) makes new ones. Entries whose id is here already are left alone.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), rekall::Error> {
    /// # let rekall = rekall::Rekall::builder("memory.db").open()?;
    /// let report = rekall.import_legacy("knowledge.db").utc_offset_minutes(60).run()?;
    /// println!("{} entries", report.entries);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`](crate::Error::Core) when the file is not one of the Python tool's or is damaged.
    pub fn import_legacy<'a>(
        &'a self,
        path: impl AsRef<Path> + 'a,
    ) -> LongCall<'a, legacy::LegacyImportReport, LegacyOptions> {
        LongCall::with_options(LegacyOptions::default(), move |chosen, watch| {
            self.maintain(|store| {
                watch.in_storage(|progress, cancel| {
                    expect_file(path.as_ref(), "import of a file of the Python tool")?;
                    legacy_import_of(store)?
                        .import_legacy(path.as_ref(), storage_options(chosen, progress, flag_of(cancel)))
                })
            })
        })
    }

    /// Puts a rekall file in the place of the Python tool's file at `path`, with all that is in it, and leaves the old one
    /// beside it: the report's `backup` is its path. Atomic, and safe to be killed at any moment. Nobody may have the file
    /// open.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), rekall::Error> {
    /// let report = rekall::Rekall::migrate_legacy("knowledge.db").run()?;
    /// println!("{} entries; the old file is {:?}", report.entries, report.backup);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`](crate::Error::Core) when the file is not one of the Python tool's, is damaged or in use. It is as it
    /// was then, also when it is stopped.
    pub fn migrate_legacy<'a>(
        path: impl AsRef<Path> + 'a,
    ) -> LongCall<'a, legacy::LegacyImportReport, LegacyOptions> {
        LongCall::with_options(LegacyOptions::default(), move |chosen, watch| {
            watch.in_storage(|progress, cancel| {
                expect_file(path.as_ref(), "migration of a file of the Python tool")?;
                legacy::migrate(path, storage_options(chosen, progress, flag_of(cancel)))
            })
        })
    }
}

/// What moves all content, refused by name where the engine cannot.
fn transfer_of(store: &dyn Store) -> Result<&dyn Transfer, CoreError> {
    let refused =
        CoreError::Unsupported { capability: "export and import of lines of JSON", engine: store.engine() };
    store.transfer().ok_or(refused)
}

fn legacy_import_of(store: &dyn Store) -> Result<&dyn LegacyImport, CoreError> {
    let capability = match store.scope() {
        Some(_) => "import of a file of the Python tool into one scope",
        None => "import of a file of the Python tool",
    };
    store.legacy_import().ok_or(CoreError::Unsupported { capability, engine: store.engine() })
}

fn storage_options<'a>(
    chosen: LegacyOptions,
    progress: &'a mut dyn FnMut(u64, u64),
    cancel: Option<&'a AtomicBool>,
) -> legacy::LegacyImportOptions<'a> {
    let mut options = legacy::LegacyImportOptions::default().progress(progress);
    options.utc_offset_minutes = chosen.utc_offset_minutes;
    options.cancel = cancel;
    options
}
