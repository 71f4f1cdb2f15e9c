//! Exact searches to compare with: a plain scan for the string, and the phrase in a table of FTS5.

use rusqlite::{Connection, OptionalExtension, Result};

use super::texts::Texts;

pub(super) struct Exact<'t> {
    texts: &'t Texts<'t>,
    table: Connection,
}

impl<'t> Exact<'t> {
    pub(super) fn new(texts: &'t Texts<'t>) -> Result<Self> {
        let mut table = Connection::open_in_memory()?;
        table.execute_batch("CREATE VIRTUAL TABLE note USING fts5(title, content)")?;
        let insertion = table.transaction()?;
        for (number, note) in texts.notes.iter().enumerate() {
            insertion.execute(
                "INSERT INTO note (rowid, title, content) VALUES (?1, ?2, ?3)",
                (number, &note.title, &note.content),
            )?;
        }
        insertion.commit()?;
        Ok(Self { texts, table })
    }

    /// The first note in which the string stands most often, capitals as they are.
    pub(super) fn scan(&self, string: &str) -> Option<usize> {
        let times = |text: &String| text.matches(string).count();
        let counts = self.texts.exact.iter().map(times).enumerate().filter(|(_, count)| *count > 0);
        counts.max_by_key(|(number, count)| (*count, std::cmp::Reverse(*number))).map(|(number, _)| number)
    }

    /// The best note by BM25 that holds the string's words in their order.
    pub(super) fn phrase(&self, string: &str) -> Result<Option<usize>> {
        let phrase = format!("\"{}\"", string.replace('"', "\"\""));
        let mut best = self
            .table
            .prepare_cached("SELECT rowid FROM note WHERE note MATCH ?1 ORDER BY rank, rowid LIMIT 1")?;
        best.query_row([phrase], |row| row.get(0)).optional()
    }
}
