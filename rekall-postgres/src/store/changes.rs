//! The change log: how everything derived from the rows catches up.

use rekall_core::store::ReadChanges;
use rekall_core::{Changes, Error, LogPosition, VectorKey};

use super::tx::{Tx, column};
use super::values::{int, text};

/// Marks of entries that are gone are kept for readers to catch up with, up to this many.
const KEPT_DELETIONS: i64 = 50_000;

/// How many more go with them, so that the next pruning is not at once due.
const PRUNED_AT_ONCE: i64 = 10_000;

/// Readers at an older position than this have missed something that is no longer in the log.
const FLOOR: &str = "SELECT value FROM meta WHERE key = $1";

/// The key of that.
const LOG_FLOOR: &str = "log_floor";

impl ReadChanges for Tx<'_> {
    fn position(&self) -> Result<LogPosition, Error> {
        self.log_position()
    }

    fn position_numbered(&self, number: i64) -> Result<LogPosition, Error> {
        Ok(LogPosition::new(self.log_position()?.incarnation(), number))
    }

    fn changes_since(&self, position: LogPosition) -> Result<Changes, Error> {
        let now = self.log_position()?;
        if position == now {
            // Whatever the floor says: a reader told to read everything again would ask again without end.
            return Ok(Changes::Entries { position: now, entries: Vec::new(), spaces: false });
        }
        if !position.same_history(now) || position.number() >= now.number() {
            return Ok(Changes::Lost { position: now });
        }
        let since = position.number();
        let (since, key) = ([int(&since)], self.scope().key(LOG_FLOOR));
        let of_scope = self.scope().holds("entry_id");
        let changed = format!("SELECT entry_id FROM change WHERE seq > $1 AND {of_scope} ORDER BY seq");
        let rows = self.query_all(&[(FLOOR, &[text(&key)]), (&changed, &since)])?;
        let [floor, changed] = rows.as_slice() else { return Ok(Changes::Lost { position: now }) };
        let floor = match floor.first() {
            // Another program wrote something else than a number there, and nothing is known.
            Some(row) => column::<Option<&str>>(row, 0)?.and_then(|floor| floor.parse().ok()),
            None => Some(0),
        };
        if floor.is_none_or(|floor: i64| position.number() < floor) {
            return Ok(Changes::Lost { position: now });
        }
        let mut entries = self.rows_in(changed)?;
        let logged = entries.len();
        entries.retain(|&entry| entry != 0);
        let spaces = entries.len() < logged;
        Ok(Changes::Entries { position: now, entries, spaces })
    }

    fn newest_change(&self, row: i64) -> Result<LogPosition, Error> {
        let row = self.scope().stored(row);
        match self.query_opt("SELECT seq FROM change WHERE entry_id = $1", &[int(&row)])? {
            Some(found) => self.position_numbered(column(&found, 0)?),
            // Another program took it out of the log: any change at all may be the entry's.
            None => self.log_position(),
        }
    }
}

impl Tx<'_> {
    /// Whether no change of these entries is in the log since then, as far as that reaches back.
    pub(super) fn unchanged_since(&self, position: LogPosition, keys: &[VectorKey]) -> Result<bool, Error> {
        Ok(match self.changes_since(position)? {
            Changes::Entries { entries, .. } => !keys.iter().any(|key| entries.contains(&key.entry)),
            Changes::Lost { .. } => false,
        })
    }

    /// Drops the oldest marks of deleted entries when there are too many: without this the log would grow with the memory's
    /// history, not its size. Looked at once every [`PRUNED_AT_ONCE`] changes, whoever made them, because counting walks the log.
    pub(super) fn prune_changes(&self) -> Result<LogPosition, Error> {
        let now = self.log_position()?;
        if self.began_at() / PRUNED_AT_ONCE != now.number() / PRUNED_AT_ONCE {
            self.prune_changes_to(KEPT_DELETIONS)?;
        }
        Ok(now)
    }

    fn prune_changes_to(&self, kept: i64) -> Result<(), Error> {
        let scope = self.scope();
        let (of_entry, of_change, of_newest) =
            (scope.range("id"), scope.range("entry_id"), scope.holds("entry_id"));
        let sql = format!(
            "SELECT (SELECT count(*) FROM change WHERE {of_change}) - (SELECT count(*) FROM entry WHERE {of_entry})"
        );
        let gone = self.number(&sql, &[])?;
        if gone <= kept {
            return Ok(());
        }
        // Never the newest row: its number is the log's position.
        let (zero, key) = (scope.zero(), scope.key(LOG_FLOOR));
        let sql = format!(
            "WITH gone AS (
                SELECT seq FROM change WHERE {of_newest} AND entry_id <> {zero}
                    AND seq < (SELECT max(seq) FROM change WHERE {of_newest})
                    AND NOT EXISTS (SELECT FROM entry WHERE entry.id = change.entry_id AND {of_entry})
                ORDER BY seq LIMIT $1),
            pruned AS (DELETE FROM change USING gone WHERE change.seq = gone.seq RETURNING change.seq)
            INSERT INTO meta (key, value) SELECT $2, max(seq)::text FROM pruned HAVING max(seq) IS NOT NULL
            ON CONFLICT (key) DO UPDATE SET value = excluded.value
                WHERE meta.value !~ '^[0-9]{{1,18}}$' OR meta.value::bigint < excluded.value::bigint"
        );
        let count = gone - kept + PRUNED_AT_ONCE.min(kept);
        self.execute(&sql, &[int(&count), text(&key)]).map(drop)
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use rekall_core::store::{ReadChanges, WriteEntries};
    use rekall_core::{Changes, Draft, NewEntry};

    use super::super::tests::memory;
    use crate::testing::Server;

    #[test]
    fn a_reader_behind_a_pruned_log_is_told() {
        let Some(server) = Server::shared() else { return };
        let store = memory(server);
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
        let nothing = Changes::Entries { position, entries: vec![], spaces: false };
        assert_eq!(tx.changes_since(position).unwrap(), nothing);
        let rows = tx.number("SELECT count(*) FROM change", &[]).unwrap();
        assert!(rows <= 5, "{rows} rows for 3 living entries");
        drop(tx);
        // Who was there in between missed nothing that is not said.
        let tx = store.begin_write().unwrap();
        tx.prune_changes_to(0).unwrap();
        assert_eq!(tx.position().unwrap(), position, "the newest row stays");
    }

    #[test]
    fn impossible_floors_make_a_reader_read_anew_once_and_not_for_ever() {
        let Some(server) = Server::shared() else { return };
        for floor in ["'9223372036854775807'", "''", "NULL", "'many'"] {
            let store = memory(server);
            let add = |title: &str| {
                let mut tx = store.begin_write().unwrap();
                tx.insert(&[Draft::new(&NewEntry::new(title))]).unwrap();
                tx.finish().unwrap();
            };
            add("note");
            let before = store.begin_read().unwrap().position().unwrap();
            let tx = store.begin_write().unwrap();
            tx.execute(&format!("INSERT INTO meta VALUES ('log_floor', {floor})"), &[]).unwrap();
            tx.finish().unwrap();
            let tx = store.begin_read().unwrap();
            let nothing = Changes::Entries { position: before, entries: vec![], spaces: false };
            assert_eq!(tx.changes_since(before).unwrap(), nothing, "{floor}");
            drop(tx);
            add("another");
            let tx = store.begin_read().unwrap();
            assert!(matches!(tx.changes_since(before).unwrap(), Changes::Lost { .. }), "{floor}");
            let now = tx.position().unwrap();
            assert!(matches!(tx.changes_since(now).unwrap(), Changes::Entries { .. }), "{floor}");
        }
    }
}
