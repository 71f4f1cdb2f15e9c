//! Codes laid by in the file, so that a new process reads a quarter of the bytes.

use std::sync::Arc;

use rekall_core::{ReadTx, Space, Store};
use rekall_index::{Sq8Index, VectorSource};

use crate::Error;

/// Kind of the blocks in `index_block`.
pub(super) const SQ8: &str = "sq8";

/// How far the log may run ahead of the blocks before they are written anew: reading so many changed entries
/// takes about as long as reading the blocks themselves.
const MAX_LAG: i64 = 20_000;

/// The index as it was laid by, and its position; `None` when there is none, or none that can be read.
pub(super) fn load(
    tx: &ReadTx<'_>,
    space: &Space,
    source: Arc<dyn VectorSource + Send + Sync>,
) -> Result<Option<(Sq8Index, i64)>, Error> {
    let Some(position) = tx.index_position(space.id, SQ8)? else { return Ok(None) };
    let mut blocks = Vec::new();
    tx.index_blocks(space.id, SQ8, |bytes| {
        blocks.push(bytes.to_vec());
        Ok::<(), rekall_core::Error>(())
    })?;
    let blocks = blocks.into_iter().map(Ok);
    match Sq8Index::import(space.dimensions, source, blocks) {
        Ok(index) => Ok(Some((index, position))),
        Err(error) => {
            // Derived: what cannot be read is made anew from the rows.
            tracing::warn!(%error, "persisted codes are not usable");
            Ok(None)
        }
    }
}

/// Lays the codes by, in one transaction. Readers go on meanwhile.
pub(super) fn save(store: &Store, space: &Space, index: &Sq8Index, position: i64) -> Result<(), Error> {
    let mut tx = store.write()?;
    if tx.active_space()?.as_ref() != Some(space) {
        return Ok(());
    }
    tx.replace_index_blocks(space.id, SQ8, position, index.export())?;
    Ok(tx.commit()?)
}

/// Whether the blocks lag so far behind that the next write should renew them.
pub(super) fn is_due(store: &Store) -> Result<bool, Error> {
    let tx = store.read()?;
    let now = tx.position()?;
    if now < MAX_LAG {
        return Ok(false);
    }
    let Some(space) = tx.active_space()? else { return Ok(false) };
    let behind = now - tx.index_position(space.id, SQ8)?.unwrap_or(0);
    // A quarter of the history: what renewing costs stays in proportion to what was written.
    Ok(behind > MAX_LAG.max(now / 4))
}
