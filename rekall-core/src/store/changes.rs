//! The change log: how everything derived from the rows catches up.

use std::ops::Deref;

use rusqlite::{Connection, OptionalExtension};

use super::{Tx, WriteTx};
use crate::Error;

/// What changed since a position of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changes {
    /// These entries, in the order of their newest change: written, changed, or gone.
    Entries {
        /// The log's position now.
        position: i64,
        /// Row numbers, each once.
        entries: Vec<i64>,
        /// Whether a space was added, switched or dropped.
        spaces: bool,
    },
    /// The log no longer reaches back that far, or another space is active since: read everything anew.
    Lost {
        /// The log's position now.
        position: i64,
    },
}

/// Marks of entries that are gone are kept for readers to catch up with, up to this many.
const KEPT_DELETIONS: i64 = 50_000;
/// How many more go with them, so that the next pruning is not at once due.
const PRUNED_AT_ONCE: i64 = 10_000;

impl<C: Deref<Target = Connection>> Tx<'_, C> {
    /// The log's position: grows with every change of entries, of vectors in the active space, and of
    /// spaces, by any program.
    ///
    /// # Errors
    /// [`Error::Sqlite`] or [`Error::Corrupt`].
    pub fn position(&self) -> Result<i64, Error> {
        // Both, as AUTOINCREMENT looks at both for the next number: the newest row may have been pruned, and another
        // program may have set the counter back.
        let sql =
            "SELECT max(ifnull((SELECT CAST(seq AS INTEGER) FROM sqlite_sequence WHERE name = 'change'), 0),
                              ifnull((SELECT max(seq) FROM change), 0))";
        Ok(self.connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
    }

    /// Which history of the file the positions count in: another one when the file was restored from a copy, or compacted.
    ///
    /// # Errors
    /// [`Error::Sqlite`] or [`Error::Corrupt`].
    pub fn incarnation(&self) -> Result<i64, Error> {
        // Whatever puts other pages in the place of all of a file's makes SQLite read the schema anew, by this number.
        let sql = "PRAGMA schema_version";
        Ok(self.connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
    }

    /// What changed after `position`. Cost: proportional to the number of changed entries.
    ///
    /// # Errors
    /// [`Error::Sqlite`] or [`Error::Corrupt`].
    pub fn changes_since(&self, position: i64) -> Result<Changes, Error> {
        let now = self.position()?;
        if position == now {
            // Whatever the floor says: a reader who is told to read anew would be there again, for ever.
            return Ok(Changes::Entries { position: now, entries: Vec::new(), spaces: false });
        }
        if position > now || self.log_floor()?.is_none_or(|floor| position < floor) {
            return Ok(Changes::Lost { position: now });
        }
        let mut statement =
            self.connection.prepare_cached("SELECT entry_id FROM change WHERE seq > ?1 ORDER BY seq")?;
        let rows = statement.query_map([position], |row| row.get(0))?;
        let mut entries: Vec<i64> = rows.collect::<Result<_, _>>()?;
        let logged = entries.len();
        entries.retain(|&entry| entry != 0);
        let spaces = entries.len() < logged;
        Ok(Changes::Entries { position: now, entries, spaces })
    }

    /// Readers at an older position than this have missed something that is no longer in the log. `None`: another
    /// program wrote something else than a number there, and nothing is known.
    fn log_floor(&self) -> Result<Option<i64>, Error> {
        let sql = "SELECT value FROM meta WHERE key = 'log_floor'";
        let mut statement = self.connection.prepare_cached(sql)?;
        let floor = statement.query_row([], |row| Ok(row.get_ref(0)?.as_i64().ok())).optional()?;
        Ok(floor.unwrap_or(Some(0)))
    }
}

impl WriteTx<'_> {
    /// Drops the oldest marks of deleted entries when there are too many: without this the log would grow
    /// with the file's history, not its size. Looked at once every [`PRUNED_AT_ONCE`] changes, whoever made
    /// them, because counting walks the log.
    pub(super) fn prune_changes(&self) -> Result<(), Error> {
        let now = self.position()?;
        if self.began_at / PRUNED_AT_ONCE == now / PRUNED_AT_ONCE {
            return Ok(());
        }
        self.prune_changes_to(KEPT_DELETIONS)
    }

    fn prune_changes_to(&self, kept: i64) -> Result<(), Error> {
        let gone: i64 = self.connection.query_row(
            "SELECT (SELECT count(*) FROM change) - (SELECT count(*) FROM entry)",
            [],
            |row| row.get(0),
        )?;
        if gone <= kept {
            return Ok(());
        }
        let floor: Option<i64> = self.connection.query_row(
            "SELECT max(seq) FROM (
                 SELECT seq FROM change WHERE entry_id <> 0
                     AND NOT EXISTS (SELECT 1 FROM entry WHERE entry.id = change.entry_id)
                 ORDER BY seq LIMIT ?1)",
            [gone - kept + PRUNED_AT_ONCE.min(kept)],
            |row| row.get(0),
        )?;
        if let Some(floor) = floor {
            self.connection.execute(
                "DELETE FROM change WHERE seq <= ?1 AND entry_id <> 0
                     AND NOT EXISTS (SELECT 1 FROM entry WHERE entry.id = change.entry_id)",
                [floor],
            )?;
            self.connection.execute(
                "INSERT INTO meta (key, value) VALUES ('log_floor', ?1)
                 ON CONFLICT (key) DO UPDATE SET value = max(value, excluded.value)",
                [floor],
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Draft, NewEntry, Store, StoreOptions};

    #[test]
    fn impossible_numbers_make_a_reader_read_anew_once_and_not_for_ever() {
        for (damage, floor_is_lost) in [
            ("UPDATE sqlite_sequence SET seq = 2 WHERE name = 'change'", false),
            ("UPDATE sqlite_sequence SET seq = -9 WHERE name = 'change'", false),
            ("UPDATE sqlite_sequence SET seq = 'many' WHERE name = 'change'", false),
            ("DELETE FROM sqlite_sequence", false),
            ("INSERT INTO meta VALUES ('log_floor', 9223372036854775807)", true),
            ("INSERT INTO meta VALUES ('log_floor', '')", true),
            ("INSERT INTO meta VALUES ('log_floor', NULL)", true),
            ("INSERT INTO meta VALUES ('log_floor', x'00')", true),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let store = Store::open(folder.path().join("a.db"), &StoreOptions::default()).unwrap();
            let add = |title: &str| {
                let mut tx = store.write().unwrap();
                tx.insert(&[Draft::new(&NewEntry::new(title))]).unwrap();
                tx.commit().unwrap();
            };
            (0..10).for_each(|_| add("note"));
            let before = store.read().unwrap().position().unwrap();
            let tx = store.write().unwrap();
            tx.connection().execute_batch(damage).unwrap();
            tx.commit().unwrap();

            let tx = store.read().unwrap();
            assert_eq!(tx.position().unwrap(), before, "{damage}");
            // Whoever is up to date is told so, or it would look again at once.
            let nothing = Changes::Entries { position: before, entries: vec![], spaces: false };
            assert_eq!(tx.changes_since(before).unwrap(), nothing, "{damage}");
            drop(tx);
            add("another");
            let tx = store.read().unwrap();
            let position = tx.position().unwrap();
            assert!(position > before, "{damage}: every change has a position of its own");
            let changes = tx.changes_since(before).unwrap();
            match changes {
                Changes::Lost { .. } => assert!(floor_is_lost, "{damage}"),
                Changes::Entries { entries, .. } => assert_eq!((entries, floor_is_lost), (vec![11], false)),
            }
        }
    }

    #[test]
    fn a_reader_behind_a_pruned_log_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("a.db"), &StoreOptions::default()).unwrap();
        let mut tx = store.write().unwrap();
        let notes: Vec<NewEntry> = (0..10).map(|n| NewEntry::new(format!("note {n}"))).collect();
        let drafts: Vec<Draft<'_>> = notes.iter().map(Draft::new).collect();
        let inserted = tx.insert(&drafts).unwrap();
        tx.commit().unwrap();
        let before = store.read().unwrap().position().unwrap();

        let mut tx = store.write().unwrap();
        for entry in &inserted[..6] {
            tx.delete(entry.id).unwrap();
        }
        let between = tx.position().unwrap();
        tx.delete(inserted[6].id).unwrap();
        tx.prune_changes_to(1).unwrap();
        tx.commit().unwrap();

        let tx = store.read().unwrap();
        assert!(matches!(tx.changes_since(before).unwrap(), Changes::Lost { .. }));
        let position = tx.position().unwrap();
        assert!(position > between, "the position never goes back");
        assert_eq!(
            tx.changes_since(position).unwrap(),
            Changes::Entries { position, entries: vec![], spaces: false }
        );
        let count: i64 = tx.connection.query_row("SELECT count(*) FROM change", [], |r| r.get(0)).unwrap();
        assert!(count <= 4, "{count} rows for 3 living entries");
    }
}
