//! The change log: how everything derived from the rows catches up.

use super::reach::Reach;
use super::{SqliteTx, SqliteWriteTx};
use crate::Changes;
use crate::Error;
use crate::LogPosition;
use crate::store::ReadChanges;
use rusqlite::{Connection, OptionalExtension};
use std::ops::Deref;

/// Marks of entries that are gone are kept for readers to catch up with, up to this many.
const KEPT_DELETIONS: i64 = 50_000;

/// How many more go with them, so that the next pruning is not at once due.
const PRUNED_AT_ONCE: i64 = 10_000;

impl<C: Deref<Target = Connection>> ReadChanges for SqliteTx<'_, C> {
    fn position(&self) -> Result<LogPosition, Error> {
        position(&self.connection)
    }

    fn position_numbered(&self, number: i64) -> Result<LogPosition, Error> {
        Ok(LogPosition::new(incarnation(&self.connection)?, number))
    }

    fn changes_since(&self, position: LogPosition) -> Result<Changes, Error> {
        let now = self.position()?;
        if position == now {
            // Whatever the floor says: a reader told to read everything again would ask again without end.
            return Ok(Changes::Entries { position: now, entries: Vec::new(), spaces: false });
        }
        let reached = position.same_history(now)
            && position.number() < now.number()
            && self.log_floor()?.is_some_and(|floor| position.number() >= floor);
        if !reached {
            return Ok(Changes::Lost { position: now });
        }
        let mut statement = self.connection.prepare_cached(&since(self.reach))?;
        let rows = statement.query_map([position.number()], |row| Ok(self.row(row.get(0)?)))?;
        let mut entries: Vec<i64> = rows.collect::<Result<_, _>>()?;
        let logged = entries.len();
        entries.retain(|&entry| entry != 0);
        let spaces = entries.len() < logged;
        Ok(Changes::Entries { position: now, entries, spaces })
    }

    fn newest_change(&self, row: i64) -> Result<LogPosition, Error> {
        let mut statement = self.connection.prepare_cached("SELECT seq FROM change WHERE entry_id = ?1")?;
        match statement.query_row([self.stored(row)], |found| found.get(0)).optional()? {
            Some(number) => self.position_numbered(number),
            // Another program took it out of the log: any change at all may be the entry's.
            None => self.position(),
        }
    }
}

/// What changed in a memory, as a statement.
fn since(reach: Reach) -> String {
    format!("SELECT entry_id FROM change WHERE seq > ?1{} ORDER BY seq", reach.and_change())
}

/// Where the log stands.
pub(super) fn position(connection: &Connection) -> Result<LogPosition, Error> {
    // Both, as AUTOINCREMENT looks at both for the next number: the newest row may have been pruned, and another
    // program may have set the counter back.
    let sql =
        "SELECT max(ifnull((SELECT CAST(seq AS INTEGER) FROM sqlite_sequence WHERE name = 'change'), 0),
                          ifnull((SELECT max(seq) FROM change), 0))";
    let number = connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
    Ok(LogPosition::new(incarnation(connection)?, number))
}

/// In the transaction like everything else: the pragma reads the header as the transaction sees it.
fn incarnation(connection: &Connection) -> Result<i64, Error> {
    let mut statement = connection.prepare_cached("PRAGMA schema_version")?;
    Ok(statement.query_row([], |row| row.get(0))?)
}

impl<C: Deref<Target = Connection>> SqliteTx<'_, C> {
    /// Readers at an older position than this have missed something that is no longer in the log. `None`: another
    /// program wrote something else than a number there, and nothing is known.
    fn log_floor(&self) -> Result<Option<i64>, Error> {
        let sql = "SELECT value FROM meta WHERE key = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let floor = statement
            .query_row([self.reach.log_floor()], |row| Ok(row.get_ref(0)?.as_i64().ok()))
            .optional()?;
        Ok(floor.unwrap_or(Some(0)))
    }
}

impl SqliteWriteTx<'_> {
    /// Drops the oldest marks of deleted entries when there are too many: without this the log would grow
    /// with the file's history, not its size. Looked at once every [`PRUNED_AT_ONCE`] changes, whoever made
    /// them, because counting walks the log.
    pub(super) fn prune_changes(&self) -> Result<LogPosition, Error> {
        let now = self.position()?;
        if self.began_at / PRUNED_AT_ONCE != now.number() / PRUNED_AT_ONCE {
            self.prune_changes_to(KEPT_DELETIONS)?;
        }
        Ok(now)
    }

    fn prune_changes_to(&self, kept: i64) -> Result<(), Error> {
        let gone: i64 = self.connection.query_row(
            &format!(
                "SELECT (SELECT count(*) FROM change{}) - (SELECT count(*) FROM entry{})",
                self.reach.only("entry_id"),
                self.reach.only_walk()
            ),
            [],
            |row| row.get(0),
        )?;
        if gone <= kept {
            return Ok(());
        }
        let (zero, ours) = (self.reach.rows().zero(), self.reach.and("entry_id"));
        let floor: Option<i64> = self.connection.query_row(
            &format!(
                "SELECT max(seq) FROM (
                     SELECT seq FROM change WHERE entry_id <> {zero}{ours}
                         AND NOT EXISTS (SELECT 1 FROM entry WHERE entry.id = change.entry_id)
                     ORDER BY seq LIMIT ?1)"
            ),
            [gone - kept + PRUNED_AT_ONCE.min(kept)],
            |row| row.get(0),
        )?;
        if let Some(floor) = floor {
            self.connection.execute(
                &format!(
                    "DELETE FROM change WHERE seq <= ?1 AND entry_id <> {zero}{ours}
                         AND NOT EXISTS (SELECT 1 FROM entry WHERE entry.id = change.entry_id)"
                ),
                [floor],
            )?;
            self.connection.execute(
                "INSERT INTO meta (key, value) VALUES (?2, ?1)
                 ON CONFLICT (key) DO UPDATE SET value = max(value, excluded.value)",
                (floor, self.reach.log_floor()),
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::WriteEntries;
    use crate::{Draft, NewEntry, SqliteStore, StoreOptions};

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
            let store = SqliteStore::open(folder.path().join("a.db"), &StoreOptions::default()).unwrap();
            let add = |title: &str| {
                let mut tx = store.begin_write().unwrap();
                tx.insert(&[Draft::new(&NewEntry::new(title))]).unwrap();
                tx.finish().unwrap();
            };
            (0..10).for_each(|_| add("note"));
            let before = store.begin_read().unwrap().position().unwrap();
            let tx = store.begin_write().unwrap();
            tx.connection().execute_batch(damage).unwrap();
            tx.finish().unwrap();

            let tx = store.begin_read().unwrap();
            assert_eq!(tx.position().unwrap(), before, "{damage}");
            // A reader that is up to date must learn it, or it would look again at once.
            let nothing = Changes::Entries { position: before, entries: vec![], spaces: false };
            assert_eq!(tx.changes_since(before).unwrap(), nothing, "{damage}");
            drop(tx);
            add("another");
            let tx = store.begin_read().unwrap();
            let position = tx.position().unwrap();
            assert!(position.number() > before.number(), "{damage}: every change has a position of its own");
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
        let store = SqliteStore::open(folder.path().join("a.db"), &StoreOptions::default()).unwrap();
        let mut tx = store.begin_write().unwrap();
        let notes: Vec<NewEntry> = (0..10).map(|n| NewEntry::new(format!("note {n}"))).collect();
        let drafts: Vec<Draft<'_>> = notes.iter().map(Draft::new).collect();
        let inserted = tx.insert(&drafts).unwrap();
        tx.finish().unwrap();
        let before = store.begin_read().unwrap().position().unwrap();

        let mut tx = store.begin_write().unwrap();
        for entry in &inserted[..6] {
            tx.delete(entry.id).unwrap();
        }
        let between = tx.position().unwrap();
        tx.delete(inserted[6].id).unwrap();
        tx.prune_changes_to(1).unwrap();
        tx.finish().unwrap();

        let tx = store.begin_read().unwrap();
        assert!(matches!(tx.changes_since(before).unwrap(), Changes::Lost { .. }));
        let position = tx.position().unwrap();
        assert!(position.number() > between.number(), "the position never goes back");
        assert_eq!(
            tx.changes_since(position).unwrap(),
            Changes::Entries { position, entries: vec![], spaces: false }
        );
        let count: i64 = tx.connection.query_row("SELECT count(*) FROM change", [], |r| r.get(0)).unwrap();
        assert!(count <= 4, "{count} rows for 3 living entries");
    }

    #[test]
    fn a_position_names_a_moment_of_one_life_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let store = SqliteStore::open(&path, &StoreOptions::default()).unwrap();
        let remember = |title| {
            let mut tx = store.begin_write().unwrap();
            let entry = NewEntry::new(title);
            let row = tx.insert(&[Draft::new(&entry)]).unwrap()[0].row;
            tx.finish().unwrap();
            row
        };
        let first = remember("first");
        store.backup(folder.path().join("older.db"), &mut |_, _| (), None).unwrap();
        remember("second");
        let tx = store.begin_read().unwrap();
        let (before, change) = (tx.position().unwrap(), tx.newest_change(first).unwrap());
        assert_eq!(tx.position_numbered(before.number()).unwrap(), before);
        drop(tx);

        let older = Connection::open(folder.path().join("older.db")).unwrap();
        let mut target = Connection::open(&path).unwrap();
        let backup = rusqlite::backup::Backup::new(&older, &mut target).unwrap();
        backup.run_to_completion(100, std::time::Duration::ZERO, None).unwrap();
        drop(backup);
        remember("third");
        let tx = store.begin_read().unwrap();
        let now = tx.position().unwrap();
        assert_eq!(now.number(), before.number(), "as long a log, and another one");
        assert_ne!(now, before);
        assert!(!now.same_history(before));
        assert_eq!(tx.changes_since(before).unwrap(), Changes::Lost { position: now });
        assert_ne!(tx.newest_change(first).unwrap(), change);
        drop(tx);

        store.compact().unwrap();
        let tx = store.begin_read().unwrap();
        let compacted = tx.position().unwrap();
        assert_eq!(compacted.number(), now.number());
        assert_eq!(tx.changes_since(now).unwrap(), Changes::Lost { position: compacted });
        // What is persisted of an index was carried over with it.
        let position = tx.position_numbered(now.number()).unwrap();
        assert!(matches!(tx.changes_since(position).unwrap(), Changes::Entries { .. }));
    }

    #[test]
    fn an_ordinary_write_changes_the_number_alone() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("a.db"), &StoreOptions::default()).unwrap();
        let entry = NewEntry::new("first");
        let mut tx = store.begin_write().unwrap();
        let before = tx.position().unwrap();
        let row = tx.insert(&[Draft::new(&entry)]).unwrap()[0].row;
        let written = tx.newest_change(row).unwrap();
        tx.finish().unwrap();
        let tx = store.begin_read().unwrap();
        let after = tx.position().unwrap();
        assert!(after.same_history(before) && after.number() > before.number());
        assert_eq!(tx.newest_change(row).unwrap(), written);
    }
}
