//! Check and repair of a file that is too damaged to be opened.

use crate::SqliteStore;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::repair::suggest_salvage;
use crate::sqlite::schema::objects;
use crate::sqlite::upkeep::Progress;
use crate::store::RepairReport;
use crate::store::{CheckReport, Problem, ProblemKind};
use crate::{Error, StoreOptions};

impl SqliteStore {
    /// As [`check_observed`](Self::check_observed), of a file by its path: also of one that is refused with
    /// [`Error::Corrupt`] when it is opened. Why it is refused is the first problem then, and what can be looked at all the
    /// same follows. Nothing is changed.
    ///
    /// ```
    /// # use rekall_core::{SqliteStore, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let path = store.path().to_owned();
    /// # drop(store);
    /// let report = SqliteStore::check_file(&path, &mut |_, _| {}, None)?;
    /// assert!(report.is_clean());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::FileNotFound`], [`Error::NotADatabase`] and the others of [`open`](Self::open), [`Error::Interrupted`].
    pub fn check_file(
        path: impl AsRef<Path>,
        progress: Progress<'_>,
        cancel: Option<&Arc<AtomicBool>>,
    ) -> Result<CheckReport, Error> {
        let path = path.as_ref();
        let options = StoreOptions { create: false, read_only: true, ..StoreOptions::default() };
        let refused = match Self::open(path, &options) {
            Ok(store) => return store.check_observed(progress, cancel),
            Err(Error::Corrupt { detail }) => detail,
            Err(error) => return Err(error),
        };
        let damaged = StoreOptions { damaged: true, ..options };
        let looked = Self::open(path, &damaged).and_then(|store| store.check_observed(progress, cancel));
        let mut report = match looked {
            Ok(report) => report,
            Err(Error::Interrupted) => return Err(Error::Interrupted),
            // Not even that: the reason is the one above.
            Err(_) => CheckReport::default(),
        };
        report.found += 1;
        let problem = Problem { kind: ProblemKind::File, detail: refused, entry: None, row: None };
        report.problems.insert(0, problem);
        Ok(report)
    }

    /// As [`repair_observed`](Self::repair_observed), of a file by its path: also of one that is refused with
    /// [`Error::Corrupt`] when it is opened because a trigger or view of ours cannot be parsed, whose texts are put back
    /// first. No other program should have the file open.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the file cannot be opened all the same ([`salvage`](Self::salvage) carries over what can be
    /// read); [`Error::FileNotFound`], [`Error::NotADatabase`] and the others of [`open`](Self::open) and
    /// [`repair_observed`](Self::repair_observed).
    pub fn repair_file(
        path: impl AsRef<Path>,
        progress: Progress<'_>,
        cancel: Option<&Arc<AtomicBool>>,
    ) -> Result<RepairReport, Error> {
        let path = path.as_ref();
        let options = StoreOptions { create: false, ..StoreOptions::default() };
        let store = match Self::open(path, &options) {
            Err(Error::Corrupt { .. }) => {
                put_texts_back(path, &options).map_err(suggest_salvage)?;
                Self::open(path, &options).map_err(suggest_salvage)?
            }
            store => store?,
        };
        store.repair_observed(progress, cancel)
    }
}

/// In one transaction: killed in the middle, the file is as damaged as before.
fn put_texts_back(path: &Path, options: &StoreOptions) -> Result<(), Error> {
    let store = SqliteStore::open(path, &StoreOptions { damaged: true, ..options.clone() })?;
    let tx = store.begin_write()?;
    objects::put_texts_back(&tx.connection)?;
    tx.finish()
}
