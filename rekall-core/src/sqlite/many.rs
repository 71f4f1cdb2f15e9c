//! Many entries at once: what triggers do for each row is done once for all of them.
//!
//! Triggers are there so that any program's writes keep tags, marks and log in step, and for the few rows of an ordinary write
//! they cost little. Of a large batch they take more time than the rows themselves. So such a batch is written with
//! triggers switched off for this connection, which no other one notices, and a few statements over all of its rows follow.
//! All tables, the numbers of the change log among them, are the same afterwards as if each entry had been written alone.

use std::collections::HashMap;

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::{SqliteWriteTx, schema};
use crate::store::{ReadChanges, ReadSpaces, SpaceState};
use crate::{Draft, Error, Inserted, SpaceId};

/// From so many entries on the statements are prepared anew, which switching triggers takes.
pub(super) const MANY: usize = 128;

/// What the triggers `entry_inserted`, `embedding_inserted` and `embedding_has_words` write, but for the log and the marks of
/// entries that wait for vectors. `?1` and `?2` are the first row and the last.
const DERIVED: [&str; 6] = [
    "INSERT INTO tag (tag, entry_id) SELECT DISTINCT value, entry.id FROM entry, json_each(entry.tags)
        WHERE entry.id BETWEEN ?1 AND ?2 ORDER BY value, entry.id",
    // What was noted of these numbers before there were rows.
    "DELETE FROM word_pending WHERE entry_id BETWEEN ?1 AND ?2",
    "DELETE FROM pending WHERE entry_id BETWEEN ?1 AND ?2",
    "DELETE FROM change WHERE entry_id BETWEEN ?1 AND ?2",
    "DELETE FROM wordless WHERE entry_id BETWEEN ?1 AND ?2 AND EXISTS (SELECT 1 FROM embedding
        WHERE embedding.entry_id = wordless.entry_id AND embedding.space_id = wordless.space_id)",
    "INSERT INTO word_pending (entry_id, characters) SELECT id,
        length(title) + length(content) + length(tags) + ifnull(length(context), 0)
        FROM entry WHERE id BETWEEN ?1 AND ?2 ORDER BY id",
];

/// Whether the file has our triggers and no others: one of another program is to see every row.
pub(super) fn has_our_triggers_alone(connection: &Connection) -> Result<bool, Error> {
    let mut statement = connection.prepare_cached("SELECT sql FROM sqlite_schema WHERE type = 'trigger'")?;
    let mut triggers = statement.query([])?;
    let mut ours = 0;
    while let Some(trigger) = triggers.next()? {
        match trigger.get_ref(0)?.as_str() {
            Ok(sql) if schema::has_text(sql) => ours += 1,
            _ => return Ok(false),
        }
    }
    Ok(ours == schema::count_triggers())
}

/// As long as it lives, the connection runs no trigger of the file.
struct WithoutTriggers<'c>(&'c Connection);

impl<'c> WithoutTriggers<'c> {
    fn begin(connection: &'c Connection) -> Result<Self, Error> {
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
        Ok(Self(connection))
    }
}

impl Drop for WithoutTriggers<'_> {
    fn drop(&mut self) {
        // It sets a flag of the connection, which cannot fail.
        let _ = self.0.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, true);
    }
}

impl SqliteWriteTx<'_> {
    /// Writes all of the entries with what follows from them, or none.
    pub(super) fn insert_together(&self, drafts: &[Draft<'_>]) -> Result<Vec<Inserted>, Error> {
        // Rows without what triggers would have added must not be left behind, even by a caller who commits after an error.
        self.connection.execute_batch("SAVEPOINT many_entries")?;
        match self.insert_without_triggers(drafts) {
            Ok(inserted) => {
                self.connection.execute_batch("RELEASE many_entries")?;
                Ok(inserted)
            }
            Err(error) => {
                // Some errors have undone the whole transaction.
                if !self.connection.is_autocommit() {
                    self.connection.execute_batch("ROLLBACK TO many_entries; RELEASE many_entries")?;
                }
                Err(error)
            }
        }
    }

    fn insert_without_triggers(&self, drafts: &[Draft<'_>]) -> Result<Vec<Inserted>, Error> {
        let log = self.position()?.number();
        let _off = WithoutTriggers::begin(&self.connection)?;
        let inserted = self.insert_each(drafts)?;
        self.derive(drafts, &inserted, log)?;
        Ok(inserted)
    }

    /// Writes what triggers would have written for these new rows, which are in order. `log` is the number given last
    /// before them.
    fn derive(&self, drafts: &[Draft<'_>], inserted: &[Inserted], mut log: i64) -> Result<(), Error> {
        let (Some(first), Some(last)) = (inserted.first(), inserted.last()) else { return Ok(()) };
        let rows = (self.stored(first.row), self.stored(last.row));
        for sql in DERIVED {
            self.connection.prepare_cached(sql)?.execute(rows)?;
        }
        let mut change =
            self.connection.prepare_cached("INSERT INTO change (seq, entry_id) VALUES (?1, ?2)")?;
        let mut pending = self.connection.prepare_cached("INSERT INTO pending (entry_id) VALUES (?1)")?;
        let mut active: HashMap<SpaceId, bool> = HashMap::new();
        for (draft, inserted) in drafts.iter().zip(inserted) {
            // A number for the entry, and one for each vector that is searched.
            let mut numbers = 1;
            for vector in draft.vectors {
                let is_active = match active.get(&vector.space) {
                    Some(&is_active) => is_active,
                    None => self.space(vector.space)?.state == SpaceState::Active,
                };
                active.insert(vector.space, is_active);
                numbers += i64::from(is_active);
            }
            let row = self.stored(inserted.row);
            log = log
                .checked_add(numbers)
                .ok_or_else(|| Error::Full { detail: "the change log has no number left".to_owned() })?;
            change.execute((log, row))?;
            if numbers == 1 {
                pending.execute([row])?;
            }
        }
        Ok(())
    }
}
