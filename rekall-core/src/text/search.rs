//! Full-text search.

use std::ops::Deref;

use rusqlite::types::Value as SqlValue;
use rusqlite::{Connection, params_from_iter};

use super::averages::Averages;
use super::pages;
use super::query::{MAX_WORDS, TextQuery};
use crate::{Error, Filter, Tx};

/// An entry found by words.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TextHit {
    /// Its row number.
    pub row: i64,
    /// Its BM25 score: greater is better, without an upper bound, comparable only within one search.
    pub score: f64,
}

/// A query as FTS5 takes it.
struct Expression {
    /// The words that distinguish entries.
    telling: String,
    /// The others, too, where there are some.
    all: Option<String>,
}

/// Weight of a word found in the title, content, tags and context.
const COLUMN_WEIGHTS: &str = "2.0, 1.0, 2.0, 1.0";

/// Below this many entries even a word that stands in all of them costs next to nothing.
const FREQUENCY_MATTERS_FROM: u64 = 5_000;

impl<C: Deref<Target = Connection>> Tx<'_, C> {
    /// The `limit` best entries for a search by words, best first, ties by row number; and all that have the
    /// same score as the last of them, so that a caller can break that tie by another rule.
    ///
    /// In a large file (from 5,000 entries on) words that stand in more than a twentieth of it are left out at first
    /// when rarer ones remain, and so are all but the 32 rarest in a file of any size: they would cost a walk over
    /// their entries and say little. Where that gives fewer than `at_least` hits every word is searched, so fewer come
    /// back only when no more entries match. Cost: O(entries that hold one of the words searched).
    ///
    /// ```
    /// # use rekall_core::{Draft, Filter, NewEntry, Store, StoreOptions, TextQuery};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = Store::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// # let ids = tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari")), Draft::new(&NewEntry::new("Proxy set-up"))])?;
    /// let query = TextQuery::new("safari cors");
    /// let hits = tx.search_text(&query, &Filter::new(), 10, 10)?;
    /// assert_eq!(hits[0].row, ids[0].row);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Sqlite`] or [`Error::Corrupt`].
    pub fn search_text(
        &self,
        query: &TextQuery,
        filter: &Filter,
        limit: usize,
        at_least: usize,
    ) -> Result<Vec<TextHit>, Error> {
        let Some(expression) = self.expression(query)? else { return Ok(Vec::new()) };
        let hits = self.ranked(&expression.telling, filter, limit)?;
        match expression.all {
            Some(all) if hits.len() < at_least.min(limit) => self.ranked(&all, filter, limit),
            _ => Ok(hits),
        }
    }

    fn ranked(&self, expression: &str, filter: &Filter, limit: usize) -> Result<Vec<TextHit>, Error> {
        let mut parameters: Vec<SqlValue> = vec![expression.to_owned().into()];
        let condition = if filter.is_everything() {
            "1".to_owned()
        } else if filter.is_only_active() {
            // The few obsolete entries are read once, instead of the row of each entry found.
            "entry_fts.rowid NOT IN (SELECT id FROM entry WHERE status <> 'active')".to_owned()
        } else {
            let compiled = filter.compile()?;
            parameters.extend(compiled.parameters);
            format!("entry_fts.rowid IN (SELECT entry.id FROM entry WHERE {})", compiled.condition)
        };
        let sql = format!(
            "SELECT entry_fts.rowid, -bm25(entry_fts, {COLUMN_WEIGHTS}) AS score FROM entry_fts
             WHERE entry_fts MATCH ? AND +{condition} ORDER BY score DESC, entry_fts.rowid"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(parameters))?;
        let mut hits: Vec<TextHit> = Vec::new();
        while let Some(row) = rows.next()? {
            let hit = TextHit { row: row.get(0)?, score: row.get(1)? };
            if hits.len() >= limit && hits.last().is_none_or(|last| last.score != hit.score) {
                break;
            }
            hits.push(hit);
        }
        Ok(hits)
    }

    /// What a search by words misses, as a sentence, as far as a quick look shows: entries that are not in the index, or
    /// pages of it that are not found. `None`: nothing. [`check`](crate::Store::check) looks at everything.
    /// O(entries), from the narrowest index: some tenths of a millisecond for 100,000.
    ///
    /// # Errors
    /// [`Error::Sqlite`] or [`Error::Corrupt`].
    pub fn fault_of_words(&self) -> Result<Option<String>, Error> {
        pages::glance(&self.connection, self.count_entries()?)
    }

    /// The same of the index of tags, which a filter by tags reads: whether it is empty and should not be. O(log n), and
    /// where no entry has tags O(entries).
    ///
    /// # Errors
    /// [`Error::Sqlite`] or [`Error::Corrupt`].
    pub fn fault_of_tags(&self) -> Result<Option<String>, Error> {
        let sql = "SELECT NOT EXISTS (SELECT 1 FROM tag) AND EXISTS (SELECT 1 FROM entry WHERE tags <> '[]')";
        let are_gone: bool = self.connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
        Ok(are_gone.then(|| "no tag is in the index of tags".to_owned()))
    }

    /// The FTS5 expressions for a query: its words joined by OR.
    fn expression(&self, query: &TextQuery) -> Result<Option<Expression>, Error> {
        if query.is_empty() {
            return Ok(None);
        }
        let every: Vec<usize> = (0..query.words().len()).collect();
        let any_of =
            |terms: &[usize]| terms.iter().map(|&term| query.term(term)).collect::<Vec<_>>().join(" OR ");
        let entries = self.count_indexed()?;
        if every.len() <= MAX_WORDS && entries < FREQUENCY_MATTERS_FROM {
            return Ok(Some(Expression { telling: any_of(&every), all: None }));
        }
        let cap = (entries / 20).max(FREQUENCY_MATTERS_FROM / 20);
        let mut frequencies = Vec::with_capacity(every.len());
        for term in every {
            frequencies.push((self.frequency(&query.term(term), cap)?, term));
        }
        // Words that no entry holds add nothing; the rest, rarest first.
        frequencies.retain(|&(frequency, _)| frequency > 0);
        if frequencies.is_empty() {
            return Ok(None);
        }
        frequencies.sort_unstable();
        let mut terms: Vec<usize> = frequencies.iter().map(|&(_, term)| term).collect();
        let rare = frequencies.iter().filter(|&&(frequency, _)| frequency < cap).count().clamp(1, MAX_WORDS);
        let all = (rare < terms.len()).then(|| any_of(&terms));
        terms.truncate(rare);
        Ok(Some(Expression { telling: any_of(&terms), all }))
    }

    /// In how many entries a term stands, counted up to `cap`.
    fn frequency(&self, term: &str, cap: u64) -> Result<u64, Error> {
        let mut statement = self.connection.prepare_cached(
            "SELECT count(*) FROM (SELECT 1 FROM entry_fts WHERE entry_fts MATCH ?1 LIMIT ?2)",
        )?;
        Ok(statement.query_row((term, cap), |row| row.get(0))?)
    }

    /// Number of entries in the index, in O(1): of those that are there, so that what was forgotten changes no ranking.
    fn count_indexed(&self) -> Result<u64, Error> {
        match Averages::read(&self.connection)? {
            Some(averages) => Ok(averages.rows),
            None => self.count_entries(),
        }
    }
}
