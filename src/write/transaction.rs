//! The only way in which the facade writes to its file.
//!
//! What belongs to every write is done here, so that no operation can leave it out: the host is notified when bytes
//! could not be erased or a reader keeps the log from shrinking, and the index in the file is renewed when it
//! has fallen far behind. The index's own tables are part of that and are written by
//! [`vector_index`](crate::vector_index).

use std::convert::Infallible;

use rekall_core::{Store, WriteTx};

use crate::event::Event;
use crate::retry::Attempt;
use crate::{Error, Rekall};

impl Rekall {
    /// Does `work` in one transaction, which is rolled back when `work` fails.
    pub(crate) fn write<T>(
        &self,
        work: impl FnOnce(&mut dyn WriteTx) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let attempt = self.try_write(|tx| work(tx).map(Attempt::<T, Infallible>::Done))?;
        match attempt {
            Attempt::Done(done) => Ok(done),
            Attempt::Outdated(never) => match never {},
        }
    }

    /// Does `work` in one transaction, which is also rolled back when `work` finds that it was prepared from
    /// an older state of the file.
    pub(crate) fn try_write<T, S>(
        &self,
        work: impl FnOnce(&mut dyn WriteTx) -> Result<Attempt<T, S>, Error>,
    ) -> Result<Attempt<T, S>, Error> {
        self.try_write_then(work, || {})
    }

    /// The same. `committed` runs directly after the commit, before anything that may take longer.
    pub(crate) fn try_write_then<T, S>(
        &self,
        work: impl FnOnce(&mut dyn WriteTx) -> Result<Attempt<T, S>, Error>,
        committed: impl FnOnce(),
    ) -> Result<Attempt<T, S>, Error> {
        let mut tx = self.store.write()?;
        let attempt = work(&mut *tx)?;
        if matches!(attempt, Attempt::Done(_)) {
            self.vector_index.before_commit(&mut *tx)?;
            tx.commit()?;
            committed();
            self.finish_write();
        }
        Ok(attempt)
    }

    /// Does what storage writes in transactions of its own: repair, compaction, import. Some of them may be
    /// committed when it fails.
    pub(crate) fn maintain<T>(&self, work: impl FnOnce(&dyn Store) -> Result<T, Error>) -> Result<T, Error> {
        let result = work(&*self.store);
        match &result {
            Ok(_) => self.finish_write(),
            Err(_) => self.report_storage(),
        }
        result
    }

    fn finish_write(&self) {
        self.report_storage();
        self.vector_index.after_write();
    }

    fn report_storage(&self) {
        if let Some(reason) = self.store.unerased() {
            self.opening.events.send(&Event::NotErased { reason });
        }
        if let Some(log_bytes) = self.store.take_held_log() {
            self.opening.events.send(&Event::LongReader { log_bytes });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => rust_files(&path, files),
                false => files.push(path),
            }
        }
    }

    /// A transaction begun elsewhere would end without what belongs to every write.
    #[test]
    fn no_other_file_begins_a_write_transaction() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut files = Vec::new();
        rust_files(&source, &mut files);
        let writes = |path: &PathBuf| {
            let text: String = fs::read_to_string(path).unwrap().split_whitespace().collect();
            text.contains("store.write()") || text.contains("store().write()")
        };
        let here = source.join("write/transaction.rs");
        let others: Vec<&PathBuf> = files
            .iter()
            .filter(|path| **path != here && !path.starts_with(source.join("vector_index")))
            .filter(|path| writes(path))
            .collect();
        assert!(files.contains(&here) && writes(&here), "the search finds what it looks for");
        assert_eq!(others, [] as [&PathBuf; 0], "write through Rekall::write");
    }
}
