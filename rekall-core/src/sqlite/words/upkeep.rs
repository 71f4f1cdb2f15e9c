//! What each commit does for the word index.

use super::{erase, merge, pending, persist::persist};
use crate::sqlite::SqliteWriteTx;
use crate::store::Store;
use crate::{Error, ErrorKind};

/// Before the commit of every write: erases the words of what the transaction changed or deleted (`secure_delete`), and
/// moves the entries that wait into a segment when there are many. Costs a look at those that wait when nothing is due.
pub(crate) fn before_commit(tx: &SqliteWriteTx<'_>) -> Result<(), Error> {
    if tx.store.deletes_securely() {
        erase::erase_waiting(tx)?;
    }
    if !pending::is_due(&tx.connection)? {
        return Ok(());
    }
    let written = persist(&tx.connection, &mut |_, _| Ok(()))?;
    merge_some(tx, written)
}

/// Merges for as long as the entries that were moved justify. What is damaged is not merged, and no reason not to write.
fn merge_some(tx: &SqliteWriteTx<'_>, written: usize) -> Result<(), Error> {
    tx.connection.execute_batch("SAVEPOINT word_merge")?;
    let merged = merge::work(&tx.connection, written);
    if let Err(error) = &merged
        && error.kind() == ErrorKind::Corrupt
        && !tx.connection.is_autocommit()
    {
        tracing::warn!(%error, "the word index was not merged");
        tx.connection.execute_batch("ROLLBACK TO word_merge; RELEASE word_merge")?;
        return Ok(());
    }
    merged?;
    Ok(tx.connection.execute_batch("RELEASE word_merge")?)
}
