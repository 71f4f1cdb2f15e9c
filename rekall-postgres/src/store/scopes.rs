//! Many memories in one schema: made, listed, removed.

use std::borrow::Cow;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use rekall_core::engine::{Ids, ScopeRows, WordMemory};
use rekall_core::store::{MatchEntries, Scopes};
use rekall_core::{Error, ScopeName, Store};

use super::PostgresStore;
use super::scope::Scope;
use super::tx::{column, numbers};
use super::values::{int, text};
use crate::client::Mode;
use crate::schema::{self, Access};

const NUMBER: &str = "SELECT number FROM scope WHERE name = $1";

/// Entries that are deleted in one transaction: other writers wait for it.
const ENTRIES_AT_ONCE: i64 = 1_000;

/// What a scope has beside its entries and what hangs on them, with the column that has its numbers. Spaces take their vectors and blocks with them,
/// segments their pages; what triggers note meanwhile goes last.
const BESIDE_ENTRIES: [(&str, &str); 6] = [
    ("source", "id"),
    ("space", "id"),
    ("word_segment", "id"),
    ("word_pending", "entry_id"),
    ("pending", "entry_id"),
    ("change", "entry_id"),
];

impl Scopes for PostgresStore {
    fn open(&self, scope: &ScopeName) -> Result<Arc<dyn Store>, Error> {
        let (_, rows) = self.client.begin(Mode::Read, &[(NUMBER, &[text(&scope.as_str())])], None)?;
        let found =
            rows.first().map(|rows| numbers(rows)).transpose()?.and_then(|found| found.first().copied());
        let number = match found {
            Some(number) => number,
            None if self.access == Access::Create => self.make_scope(scope)?,
            None => return Err(Error::ScopeNotFound { name: scope.clone() }),
        };
        let position = Cow::Owned(schema::scope_position(number));
        Ok(Arc::new(self.of_scope(number, Some(scope.clone()), position)?))
    }

    fn list(&self) -> Result<Vec<ScopeName>, Error> {
        let sql = "SELECT name FROM scope WHERE name IS NOT NULL ORDER BY name";
        let (_, rows) = self.client.begin(Mode::Read, &[(sql, &[])], None)?;
        let name = |row| {
            let name: String = column(row, 0)?;
            // Another program wrote it.
            ScopeName::new(name).map_err(|error| Error::Corrupt { detail: error.to_string() })
        };
        rows.iter().flatten().map(name).collect()
    }

    fn remove(&self, scope: &ScopeName) -> Result<u64, Error> {
        let tx = self.begin_write()?;
        let found = numbers(&tx.query(NUMBER, &[text(&scope.as_str())])?)?;
        let Some(&number) = found.first() else { return Err(Error::ScopeNotFound { name: scope.clone() }) };
        let bound = self.of_scope(number, None, Cow::Borrowed(schema::POSITION))?;
        let counted = bound.begin_read()?.count_entries()?;
        // From here on it is gone for everyone.
        tx.execute_beside_the_log("UPDATE scope SET name = NULL WHERE number = $1", &[int(&number)])?;
        tx.finish_unseen()?;
        // What cannot be deleted now is deleted by the next one who makes or removes a scope.
        self.empty_removed_scopes();
        Ok(counted)
    }
}

impl PostgresStore {
    /// A store that shares the connections and has the rows of a scope.
    pub(super) fn of_scope(
        &self,
        number: i64,
        name: Option<ScopeName>,
        position: Cow<'static, str>,
    ) -> Result<Self, Error> {
        let scope = Scope::new(ScopeRows::of(number)?);
        Ok(Self {
            client: self.client.bound_to(number),
            clock: Arc::clone(&self.clock),
            access: self.access,
            turns: Arc::clone(&self.turns),
            scope,
            name,
            first_look: super::first_look(scope, &position),
            none_waited: std::sync::Mutex::default(),
            position,
            searches_words: AtomicBool::default(),
            ids: Ids::default(),
            last_commit: Mutex::default(),
            word_memory: WordMemory::default(),
            extension: Mutex::default(),
        })
    }

    /// Makes a scope, unless another writer was faster. The first one brings the policies of the tables into force.
    fn make_scope(&self, name: &ScopeName) -> Result<i64, Error> {
        let tx = self.begin_write()?;
        if let Some(&number) = numbers(&tx.query(NUMBER, &[text(&name.as_str())])?)?.first() {
            return Ok(number);
        }
        let has_walls: bool = column(&tx.query_one(schema::HAS_WALLS, &[])?, 0)?;
        if !has_walls {
            tx.batch(schema::WALLS)?;
            tx.wall_off_pushed()?;
        }
        let sql = "INSERT INTO scope (name) VALUES ($1) RETURNING number";
        let number = column(&tx.query_one(sql, &[text(&name.as_str())])?, 0)?;
        tx.finish_unseen()?;
        self.empty_removed_scopes();
        Ok(number)
    }

    /// Goes on where a process that was killed has left a scope half deleted. If that fails, the next one does it.
    fn empty_removed_scopes(&self) {
        let sql = "SELECT number FROM scope WHERE name IS NULL ORDER BY number";
        let emptied = || {
            let (_, rows) = self.client.begin(Mode::Read, &[(sql, &[])], None)?;
            let removed = rows.iter().flatten().map(|row| column(row, 0)).collect::<Result<Vec<i64>, _>>()?;
            removed.into_iter().try_for_each(|number| self.empty_scope(number))
        };
        if let Err::<(), Error>(error) = emptied() {
            tracing::debug!(%error, "rows of a removed scope stay for now");
        }
    }

    /// Deletes what a removed scope has, in short transactions, and the scope at last.
    fn empty_scope(&self, number: i64) -> Result<(), Error> {
        // Whether it is there is not asked: it has no name any more.
        let store = self.of_scope(number, None, Cow::Borrowed(schema::POSITION))?;
        loop {
            let tx = store.begin_write()?;
            let sql = format!(
                "DELETE FROM entry WHERE id IN (SELECT id FROM entry WHERE {} ORDER BY id LIMIT $1)",
                store.scope.range("id")
            );
            let deleted = tx.execute_beside_the_log(&sql, &[int(&ENTRIES_AT_ONCE)])?;
            if deleted == ENTRIES_AT_ONCE.unsigned_abs() {
                tx.finish_unseen()?;
                continue;
            }
            for (table, column) in BESIDE_ENTRIES {
                let sql = format!("DELETE FROM {table} WHERE {}", store.scope.range(column));
                tx.execute_beside_the_log(&sql, &[])?;
            }
            tx.drop_pushed_tables(None)?;
            let (first, beyond) = (store.scope.key(""), format!("{number}0"));
            let sql = "DELETE FROM meta WHERE key >= $1 AND key < $2";
            tx.execute_beside_the_log(sql, &[text(&first), text(&beyond)])?;
            tx.execute_beside_the_log("DELETE FROM scope WHERE number = $1", &[int(&number)])?;
            tx.finish_unseen()?;
            return Ok(());
        }
    }
}
