//! Copying the write-ahead log that grew during a long read.

use crate::Error;
use crate::SqliteStore;

impl SqliteStore {
    /// Copies into the file what the write-ahead log gathered while a long read kept it from being copied.
    ///
    /// SQLite leaves that to the next commit of anybody: after a check or an export beside steady writers, one of
    /// them would wait for hundreds of megabytes. The reader that was the cause does it instead, without the write lock, and a
    /// writer that commits meanwhile goes on at once. Changes nothing of what is stored. A failure does not fail the
    /// read, and leaves the log to SQLite.
    pub(super) fn settle_log(&self) {
        if self.file.database.options().read_only {
            return;
        }
        let settled =
            self.file.database.check_not_replaced().and_then(|()| self.file.database.reader()).and_then(
                |connection| {
                    let sql = "PRAGMA wal_checkpoint(PASSIVE)";
                    connection.query_row(sql, [], |_| Ok(())).map_err(Error::from)
                },
            );
        if let Err(error) = settled {
            tracing::debug!(%error, "the log is left to the next commit");
        }
    }
}
