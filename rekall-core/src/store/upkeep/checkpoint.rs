//! What a long read leaves to be done: the write-ahead log that grew meanwhile.

use crate::Error;
use crate::store::Store;

impl Store {
    /// Copies into the file what the write-ahead log gathered while a long read kept it from being copied.
    ///
    /// SQLite leaves that to the next commit of anybody: after a check or an export beside steady writers, one of
    /// them would wait for hundreds of megabytes. Whoever was the cause does it instead, without the write lock, and a
    /// writer that commits meanwhile goes on at once. Changes nothing of what is stored. A failure is no failure of the
    /// read, and leaves things as SQLite would.
    pub(super) fn settle_log(&self) {
        if self.database.options().read_only {
            return;
        }
        let settled =
            self.database.check_not_replaced().and_then(|()| self.database.reader()).and_then(|connection| {
                let sql = "PRAGMA wal_checkpoint(PASSIVE)";
                connection.query_row(sql, [], |_| Ok(())).map_err(Error::from)
            });
        if let Err(error) = settled {
            tracing::debug!(%error, "the log is left to the next commit");
        }
    }
}
