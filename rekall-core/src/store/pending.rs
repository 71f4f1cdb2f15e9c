//! Entries that wait for their vectors, and those that wait for none.

use std::ops::Deref;

use rusqlite::Connection;

use super::forward::Forward;
use super::{SpaceId, Tx, WriteTx};
use crate::Error;

/// Entries that have no vector in space ?1 and of whose text its model may know a word.
const MISSING: &str = "NOT EXISTS (SELECT 1 FROM embedding WHERE entry_id = entry.id AND space_id = ?1)
    AND NOT EXISTS (SELECT 1 FROM wordless WHERE entry_id = entry.id AND space_id = ?1)";

impl<C: Deref<Target = Connection>> Tx<'_, C> {
    /// Up to `limit` entries above row `after` that wait for vectors in the active space, which is `space`: they have
    /// none there, or their text changed since. Entries that are [wordless](WriteTx::mark_wordless) there do not wait.
    ///
    /// Finds also what another program wrote. O(entries walked).
    ///
    /// ```
    /// # use rekall_core::{Draft, NewEntry, NewVector, Role, Store, StoreOptions, TextDigest};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = Store::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// # let space = tx.ensure_active_space("my-model/1", 2)?;
    /// # let inserted = tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari"))])?;
    /// # let row = inserted[0].row;
    /// # let vector = NewVector { space: space.id, role: Role::Summary, chunk: 0, start: 0, end: 0, digest: TextDigest::unknown(), values: &[1.0, 0.0] };
    /// assert_eq!(tx.pending(space.id, 0, 100)?, [row], "it has no vector yet");
    /// tx.set_vectors(row, space.id, &[], &[vector])?;
    /// assert!(tx.pending(space.id, 0, 100)?.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Sqlite`] or [`Error::Corrupt`].
    pub fn pending(&self, space: SpaceId, after: i64, limit: usize) -> Result<Vec<i64>, Error> {
        self.rows_after(
            &format!("(id IN (SELECT entry_id FROM pending) OR ({MISSING}))"),
            space,
            after,
            limit,
        )
    }

    /// Up to `limit` entries above row `after` that have no vector in the space and are not
    /// [wordless](WriteTx::mark_wordless) there. O(entries walked).
    ///
    /// # Errors
    /// [`Error::Sqlite`] or [`Error::Corrupt`].
    pub fn without_vectors(&self, space: SpaceId, after: i64, limit: usize) -> Result<Vec<i64>, Error> {
        self.rows_after(MISSING, space, after, limit)
    }

    fn rows_after(
        &self,
        condition: &str,
        space: SpaceId,
        after: i64,
        limit: usize,
    ) -> Result<Vec<i64>, Error> {
        let sql = format!("SELECT id FROM entry WHERE id > ?2 AND {condition} ORDER BY id LIMIT ?3");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = statement.query_map((space.0, after, limit), |row| row.get(0))?;
        let rows: Vec<i64> = rows.collect::<Result<_, _>>()?;
        let mut walk = Forward::after("row numbers of entries", Some(after));
        rows.iter().try_for_each(|&row| walk.step(row))?;
        Ok(rows)
    }

    /// Whether an entry is marked as waiting for its vectors, although it may have some.
    ///
    /// # Errors
    /// [`Error::Sqlite`] or [`Error::Corrupt`].
    pub fn is_pending(&self, entry: i64) -> Result<bool, Error> {
        let mut statement =
            self.connection.prepare_cached("SELECT EXISTS (SELECT 1 FROM pending WHERE entry_id = ?1)")?;
        Ok(statement.query_row([entry], |row| row.get(0))?)
    }

    /// Number of entries marked as waiting. O(marked entries).
    ///
    /// ```
    /// # use rekall_core::{Draft, NewEntry, NewVector, Role, Store, StoreOptions, TextDigest};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = Store::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// # let space = tx.ensure_active_space("my-model/1", 2)?;
    /// # let inserted = tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari"))])?;
    /// # let row = inserted[0].row;
    /// # let vector = NewVector { space: space.id, role: Role::Summary, chunk: 0, start: 0, end: 0, digest: TextDigest::unknown(), values: &[1.0, 0.0] };
    /// assert_eq!(tx.count_pending()?, 1);
    /// tx.set_vectors(row, space.id, &[], &[vector])?;
    /// assert_eq!(tx.count_pending()?, 0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Sqlite`] or [`Error::Corrupt`].
    pub fn count_pending(&self) -> Result<u64, Error> {
        let mut statement = self.connection.prepare_cached("SELECT count(*) FROM pending")?;
        Ok(statement.query_row([], |row| row.get(0))?)
    }
}

impl WriteTx<'_> {
    /// Marks an entry as waiting for its vectors. What inserts an entry or changes its text, and vectors that come into
    /// the active space, do the marking by themselves.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Full`].
    pub fn mark_pending(&mut self, entry: i64) -> Result<(), Error> {
        self.connection
            .prepare_cached("INSERT INTO pending (entry_id) VALUES (?1) ON CONFLICT DO NOTHING")?
            .execute([entry])?;
        Ok(())
    }

    /// Takes the mark away.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Full`].
    pub fn clear_pending(&mut self, entry: i64) -> Result<(), Error> {
        self.connection.prepare_cached("DELETE FROM pending WHERE entry_id = ?1")?.execute([entry])?;
        Ok(())
    }

    /// Notes that the space's model knows no word of an entry's text as it is now, so that the entry does not wait for
    /// vectors there. Forgotten when the text changes or vectors come.
    ///
    /// ```
    /// # use rekall_core::{Draft, NewEntry, NewVector, Role, Store, StoreOptions, TextDigest};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = Store::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// # let space = tx.ensure_active_space("my-model/1", 2)?;
    /// # let inserted = tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari"))])?;
    /// # let row = inserted[0].row;
    /// # let vector = NewVector { space: space.id, role: Role::Summary, chunk: 0, start: 0, end: 0, digest: TextDigest::unknown(), values: &[1.0, 0.0] };
    /// tx.mark_wordless(row, space.id)?;
    /// assert_eq!(tx.count_pending()?, 0, "it waits for no vector");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Full`].
    pub fn mark_wordless(&mut self, entry: i64, space: SpaceId) -> Result<(), Error> {
        self.connection
            .prepare_cached(
                "INSERT INTO wordless (entry_id, space_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            )?
            .execute((entry, space.0))?;
        // The mark is about the active space.
        self.connection
            .prepare_cached(
                "DELETE FROM pending WHERE entry_id = ?1
                     AND EXISTS (SELECT 1 FROM space WHERE id = ?2 AND state = 'active')",
            )?
            .execute((entry, space.0))?;
        Ok(())
    }

    /// Takes the marks away of all entries that have vectors in the space or are wordless there: for a space of which
    /// every vector was made from the text as it is, because that was [building](super::SpaceState::Building).
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Full`].
    pub fn settle_pending(&mut self, space: SpaceId) -> Result<(), Error> {
        self.connection.execute(
            "DELETE FROM pending
             WHERE EXISTS (SELECT 1 FROM embedding
                           WHERE embedding.entry_id = pending.entry_id AND space_id = ?1)
                OR EXISTS (SELECT 1 FROM wordless WHERE wordless.entry_id = pending.entry_id AND space_id = ?1)",
            [space.0],
        )?;
        Ok(())
    }
}
