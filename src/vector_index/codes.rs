//! Int8 codes persisted in the file, so that a new process reads a quarter of the bytes.

use std::sync::Arc;

use rekall_core::{LogPosition, ReadTx, Space};
use rekall_index::{Error as IndexError, Sq8Import, Sq8Index, VectorIndex, VectorSource};

use super::backend::{PersistJob, PersistOptions, Persisted};
use super::file::IndexFile;
use super::index_keys;
use super::persistence::{Persistence, Renewal};
use super::settings::IndexSettings;
use super::stored_rows::StoredRows;
use crate::cancel::check_cancelled;
use crate::{CancelToken, Error};

/// Kind of the blocks in `index_block`.
pub(crate) const KIND: &str = "sq8";

/// How far the log may run ahead of the blocks without a memory budget, at the least: reading so many changed entries takes
/// about as long as reading the blocks of a hundred thousand.
const MAX_LAG: i64 = 20_000;

/// Rows of a block that is made straight from the rows in the file: some 300 KiB.
const BLOCK_ROWS: usize = 1024;

/// A writer of blocks gives way to another process that began so many changes ago, at the most: a dead one is not waited for.
const PATIENCE: i64 = 2_000;

/// The codes in the file.
pub(crate) struct PersistedCodes {
    settings: IndexSettings,
}

impl PersistedCodes {
    pub(crate) fn new(settings: IndexSettings) -> Self {
        Self { settings }
    }

    /// Changes of the log that the codes may lag behind: a fixed number within a memory budget, which has to hold the changed
    /// rows. Without one, a quarter of the history, so that what renewing costs stays in proportion to what was written.
    fn max_lag(&self, dimensions: usize, now: i64) -> i64 {
        match self.settings.memory_budget {
            Some(_) => i64::try_from(self.settings.delta_limits(dimensions).entries).unwrap_or(i64::MAX),
            None => MAX_LAG.max(now / 4),
        }
    }
}

impl Persistence for PersistedCodes {
    fn distrust(&self, file: &IndexFile, space: &Space) -> Result<(), Error> {
        file.distrust(space, KIND)
    }

    /// Due are codes that are damaged, of a position that the log has not reached, or too far behind it.
    fn check(&self, file: &IndexFile) -> Result<Renewal, Error> {
        let tx = file.store.read()?;
        let now = tx.position()?;
        let not_before = |number| Ok(Renewal::NotBefore(LogPosition::new(now.incarnation(), number)));
        let Some(space) = tx.active_space()? else { return not_before(now.number() + 1) };
        let persisted = tx.index_position(space.id, KIND)?;
        if persisted.is_some_and(|position| file.is_damaged_at(position) || position.number() > now.number())
        {
            return Ok(Renewal::Due);
        }
        let persisted = persisted.map_or(0, LogPosition::number);
        let due = persisted.saturating_add(self.max_lag(space.dimensions, now.number())).saturating_add(1);
        // The lag that is allowed only grows with the log.
        if now.number() >= due { Ok(Renewal::Due) } else { not_before(due) }
    }
}

/// Some of the blocks are not there.
pub(crate) fn incomplete() -> IndexError {
    IndexError::Corrupt { detail: "expected every block of one export, some are missing".to_owned() }
}

/// The codes as they were persisted, and the entries that changed since; `None` when there are none, or none that can be read.
pub(crate) fn load(
    file: &IndexFile,
    tx: &dyn ReadTx,
    space: &Space,
    source: Arc<dyn VectorSource + Send + Sync>,
) -> Result<Option<(Sq8Index, Vec<i64>)>, Error> {
    let Some(persisted) = file.persisted(tx, space, KIND)? else { return Ok(None) };
    let mut import = Sq8Import::new(space.dimensions, source)?;
    let index = tx
        .index_blocks(space.id, KIND, |bytes| Ok::<(), Error>(import.add(bytes)?))
        .and_then(|whole| if whole { Ok(import.finish()?) } else { Err(incomplete().into()) });
    match index {
        Ok(index) => Ok(Some((index, persisted.changed))),
        Err(Error::Index(error)) => {
            // Derived data: what cannot be read is made again from the rows.
            file.mark_damaged(persisted.position, &error);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Writes codes to the file, one block in each transaction, and says whether it came to the end. Readers and writers go on
/// meanwhile.
pub(crate) fn save(
    file: &IndexFile,
    space: &Space,
    index: &Sq8Index,
    position: LogPosition,
    at_once: bool,
) -> Result<bool, Error> {
    if file.store.deletes_securely() {
        return save_in_one_transaction(file, space, index, position);
    }
    let patience = if at_once { 0 } else { PATIENCE };
    let begun = file.store.begin_index_blocks(space, KIND, position, patience)?;
    let Some(mut writer) = begun else { return Ok(false) };
    for block in index.export() {
        if !writer.put(&block)? {
            return Ok(false);
        }
    }
    let written = writer.finish()?;
    if written {
        file.forget_damage();
    }
    Ok(written)
}

/// What was forgotten since the codes were made must not come back into a file that promises to erase it.
fn save_in_one_transaction(
    file: &IndexFile,
    space: &Space,
    index: &Sq8Index,
    position: LogPosition,
) -> Result<bool, Error> {
    let mut tx = file.store.write()?;
    if tx.position()? != position || tx.active_space()?.as_ref() != Some(space) {
        return Ok(false);
    }
    tx.replace_index_blocks(space.id, KIND, position, &mut index.export())?;
    tx.commit()?;
    file.forget_damage();
    Ok(true)
}

/// Persists the codes of a space whose index holds none in memory, and is to search those in the file afterwards.
pub(crate) fn job_from_rows(file: &Arc<IndexFile>, space: &Space) -> PersistJob {
    let (file, space) = (Arc::clone(file), space.clone());
    Box::new(move |options| {
        let written = save_from_rows(&file, &space, options)?;
        Ok(if written { Persisted::ForUse } else { Persisted::Not })
    })
}

/// Makes the codes from the rows and writes them, a block at a time: for a memory budget that holds neither. Whether it came
/// to the end.
fn save_from_rows(file: &IndexFile, space: &Space, options: PersistOptions<'_>) -> Result<bool, Error> {
    let store = &*file.store;
    // All blocks are of one moment, that of this reader. In a file that erases, nobody may forget meanwhile.
    let locked = if store.deletes_securely() { Some(store.write()?) } else { None };
    let reader = store.read()?;
    let position = reader.position()?;
    match locked {
        Some(mut tx) => {
            if tx.active_space()?.as_ref() != Some(space) {
                return Ok(false);
            }
            tx.drop_index_blocks(space.id, KIND)?;
            let mut number = 0;
            encode_rows(file, space, &*reader, position, options.cancel, |block| {
                tx.put_index_block(space.id, KIND, number, position, block)?;
                number += 1;
                Ok(true)
            })?;
            drop(reader);
            tx.seal_index_blocks(space.id, KIND, number, position)?;
            tx.commit()?;
        }
        None => {
            let patience = if options.at_once { 0 } else { PATIENCE };
            let begun = store.begin_index_blocks(space, KIND, position, patience)?;
            let Some(mut writer) = begun else { return Ok(false) };
            let put = |block: &[u8]| Ok(writer.put(block)?);
            if !encode_rows(file, space, &*reader, position, options.cancel, put)? {
                return Ok(false);
            }
            drop(reader);
            if !writer.finish()? {
                return Ok(false);
            }
        }
    }
    file.forget_damage();
    Ok(true)
}

/// Makes codes from the rows that a reader sees, and hands over their blocks until one is refused; false: one was.
fn encode_rows(
    file: &IndexFile,
    space: &Space,
    reader: &dyn ReadTx,
    position: LogPosition,
    cancel: Option<&CancelToken>,
    mut put: impl FnMut(&[u8]) -> Result<bool, Error>,
) -> Result<bool, Error> {
    let source = Arc::new(StoredRows::new(file, space, position));
    let mut part = Sq8Index::new(space.dimensions, source)?;
    let mut accepted = true;
    reader.vectors(space, BLOCK_ROWS, |batch| {
        check_cancelled(cancel)?;
        if accepted {
            part.upsert(&index_keys(batch), &batch.rows)?;
            for block in part.export() {
                accepted = accepted && put(&block)?;
            }
            // All parts share the center of the first one.
            part = part.emptied();
        }
        Ok::<(), Error>(())
    })?;
    Ok(accepted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{NewEntry, Rekall};

    #[test]
    fn codes_of_an_older_moment_stay_out_of_a_file_that_erases() {
        for secure in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let builder = Rekall::builder(folder.path().join("a.db")).vectors_of("words", 2);
            let rekall = builder.secure_delete(secure).open().unwrap();
            let id = rekall.remember_with_vector(NewEntry::new("one"), &[1.0, 0.0]).unwrap();
            let tx = rekall.store.read().unwrap();
            let (space, before) = (tx.active_space().unwrap().unwrap(), tx.position().unwrap());
            drop(tx);
            let file = IndexFile::new(Arc::clone(&rekall.store));
            let source = Arc::new(StoredRows::new(&file, &space, before));
            let mut codes = Sq8Index::new(2, source).unwrap();
            codes.upsert(&[rekall_index::Key::new(1, 0, 0)], &[1.0, 0.0]).unwrap();
            rekall.forget(id).unwrap();
            assert_eq!(save(&file, &space, &codes, before, true).unwrap(), !secure);
            let persisted = rekall.store.read().unwrap().index_position(space.id, KIND).unwrap();
            assert_eq!(persisted, (!secure).then_some(before));
        }
    }
}
