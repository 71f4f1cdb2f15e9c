//! Codes laid by in the file, so that a new process reads a quarter of the bytes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rekall_core::{LogPosition, ReadTx, Space, Store};
use rekall_index::{Error as IndexError, Sq8Import, Sq8Index, VectorIndex, VectorSource};

use super::index_keys;
use super::source::StoredRows;
use crate::cancel::check_cancelled;
use crate::{CancelToken, Error};

/// Kind of the blocks in `index_block`.
pub(super) const SQ8: &str = "sq8";

/// How far the log may run ahead of the blocks, at the least: reading so many changed entries takes about as long as reading
/// the blocks of a hundred thousand.
const MAX_LAG: i64 = 20_000;

/// Rows of a block that is made straight from the rows in the file: some 300 KiB.
const BLOCK_ROWS: usize = 1024;

/// What is laid by and was found unusable, by the position it stands for. Remembered, because a search does not write: until a
/// write has renewed it, searches do without.
#[derive(Debug, Default)]
pub(super) struct BadBlocks(Mutex<Option<LogPosition>>);

impl BadBlocks {
    pub(super) fn note(&self, position: LogPosition, error: &IndexError) {
        tracing::warn!(%error, position = position.number(), "what is laid by of the index is not usable");
        *self.lock() = Some(position);
    }

    pub(super) fn are_at(&self, position: LogPosition) -> bool {
        *self.lock() == Some(position)
    }

    pub(super) fn forget(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> MutexGuard<'_, Option<LogPosition>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Notes what is laid by now as unusable: it speaks of rows that are not there.
pub(super) fn doubt(store: &Store, space: &Space, kind: &str, bad: &BadBlocks) -> Result<(), Error> {
    if let Some(position) = store.read()?.index_position(space.id, kind)? {
        let detail = "expected codes of rows that are there, several have no usable row".to_owned();
        bad.note(position, &IndexError::Corrupt { detail });
    }
    Ok(())
}

/// Some of the blocks are not there.
pub(super) fn incomplete() -> IndexError {
    IndexError::Corrupt { detail: "expected every block of one export, some are missing".to_owned() }
}

/// The index as it was laid by, and its position; `None` when there is none, or none that can be read.
pub(super) fn load(
    tx: &ReadTx<'_>,
    space: &Space,
    source: Arc<dyn VectorSource + Send + Sync>,
    bad: &BadBlocks,
) -> Result<Option<(Sq8Index, LogPosition)>, Error> {
    let Some(position) = tx.index_position(space.id, SQ8)? else { return Ok(None) };
    if bad.are_at(position) {
        return Ok(None);
    }
    let mut import = Sq8Import::new(space.dimensions, source)?;
    let index = tx
        .index_blocks(space.id, SQ8, |bytes| Ok::<(), Error>(import.add(bytes)?))
        .and_then(|whole| if whole { Ok(import.finish()?) } else { Err(incomplete().into()) });
    match index {
        Ok(index) => Ok(Some((index, position))),
        Err(Error::Index(error)) => {
            // Derived: what cannot be read is made anew from the rows.
            bad.note(position, &error);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Who lays by gives way to another process that began so many changes ago, at the most: a dead one is not waited for.
const PATIENCE: i64 = 2_000;

/// Lays the codes by, a block a transaction. Readers and writers go on meanwhile.
pub(super) fn save(
    store: &Store,
    space: &Space,
    index: &Sq8Index,
    position: LogPosition,
    at_once: bool,
    bad: &BadBlocks,
) -> Result<(), Error> {
    if store.deletes_securely() {
        return save_all(store, space, index, position, bad);
    }
    let patience = if at_once { 0 } else { PATIENCE };
    let Some(mut writer) = store.begin_index_blocks(space, SQ8, position, patience)? else { return Ok(()) };
    for block in index.export() {
        if !writer.put(&block)? {
            return Ok(());
        }
    }
    if writer.finish()? {
        bad.forget();
    }
    Ok(())
}

/// In one transaction: what was forgotten since the codes were made must not come back into a file that promises to erase
/// it.
fn save_all(
    store: &Store,
    space: &Space,
    index: &Sq8Index,
    position: LogPosition,
    bad: &BadBlocks,
) -> Result<(), Error> {
    let mut tx = store.write()?;
    if tx.position()? != position || tx.active_space()?.as_ref() != Some(space) {
        return Ok(());
    }
    tx.replace_index_blocks(space.id, SQ8, position, index.export())?;
    tx.commit()?;
    bad.forget();
    Ok(())
}

/// Makes the codes from the rows and lays them by, a block at a time: for a memory budget that holds neither. Whether it
/// came to the end.
pub(super) fn save_from_rows(
    store: &Arc<Store>,
    space: &Space,
    cancel: Option<&CancelToken>,
    at_once: bool,
    bad: &BadBlocks,
) -> Result<bool, Error> {
    // All blocks are of one moment, that of this reader. A file that erases also lets nobody forget meanwhile.
    let locked = if store.deletes_securely() { Some(store.write()?) } else { None };
    let reader = store.read()?;
    let position = reader.position()?;
    match locked {
        Some(mut tx) => {
            if tx.active_space()?.as_ref() != Some(space) {
                return Ok(false);
            }
            tx.drop_index_blocks(space.id, SQ8)?;
            let mut number = 0;
            blocks_of_rows(store, space, &reader, position, cancel, |block| {
                tx.put_index_block(space.id, SQ8, number, position, block)?;
                number += 1;
                Ok(true)
            })?;
            drop(reader);
            tx.seal_index_blocks(space.id, SQ8, number, position)?;
            tx.commit()?;
        }
        None => {
            let patience = if at_once { 0 } else { PATIENCE };
            let begun = store.begin_index_blocks(space, SQ8, position, patience)?;
            let Some(mut writer) = begun else { return Ok(false) };
            let put = |block: &[u8]| Ok(writer.put(block)?);
            if !blocks_of_rows(store, space, &reader, position, cancel, put)? {
                return Ok(false);
            }
            drop(reader);
            if !writer.finish()? {
                return Ok(false);
            }
        }
    }
    bad.forget();
    Ok(true)
}

/// Makes the codes from the rows that a reader sees, and hands over their blocks; false when it was told to stop.
fn blocks_of_rows(
    store: &Arc<Store>,
    space: &Space,
    reader: &ReadTx<'_>,
    position: LogPosition,
    cancel: Option<&CancelToken>,
    mut put: impl FnMut(&[u8]) -> Result<bool, Error>,
) -> Result<bool, Error> {
    let source = Arc::new(StoredRows { store: Arc::clone(store), space: space.clone(), position });
    let mut part = Sq8Index::new(space.dimensions, source)?;
    let mut goes_on = true;
    reader.vectors(space, BLOCK_ROWS, |batch| {
        check_cancelled(cancel)?;
        if goes_on {
            part.upsert(&index_keys(batch), &batch.rows)?;
            for block in part.export() {
                goes_on = goes_on && put(&block)?;
            }
            // All parts share the center of the first one.
            part = part.emptied();
        }
        Ok::<(), Error>(())
    })?;
    Ok(goes_on)
}

/// Whether the blocks should be renewed: they are unusable, or stand for a position that the log has not reached, or lag far
/// behind: by more changes than `most` says for a space's
/// dimensions or, without a bound, than a quarter of the history, so that what renewing costs stays in proportion to what was
/// written.
pub(super) fn is_due(
    store: &Store,
    bad: &BadBlocks,
    most: impl FnOnce(usize) -> Option<usize>,
) -> Result<bool, Error> {
    let tx = store.read()?;
    let now = tx.position()?.number();
    let Some(space) = tx.active_space()? else { return Ok(false) };
    let laid_by = tx.index_position(space.id, SQ8)?;
    if laid_by.is_some_and(|position| bad.are_at(position) || position.number() > now) {
        return Ok(true);
    }
    let most = match most(space.dimensions) {
        Some(most) => i64::try_from(most).unwrap_or(i64::MAX),
        None => MAX_LAG.max(now / 4),
    };
    let lag = now.saturating_sub(laid_by.map_or(0, LogPosition::number));
    Ok(now > most && lag > most)
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
            let source = Arc::new(StoredRows {
                store: Arc::clone(&rekall.store),
                space: space.clone(),
                position: before,
            });
            let mut codes = Sq8Index::new(2, source).unwrap();
            codes.upsert(&[rekall_index::Key::new(1, 0, 0)], &[1.0, 0.0]).unwrap();
            rekall.forget(id).unwrap();
            save(&rekall.store, &space, &codes, before, true, &BadBlocks::default()).unwrap();
            let laid_by = rekall.store.read().unwrap().index_position(space.id, SQ8).unwrap();
            assert_eq!(laid_by, (!secure).then_some(before));
        }
    }
}
