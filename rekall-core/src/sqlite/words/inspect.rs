//! Whether the word index says what the entries say.

use rusqlite::Connection;

use super::entry_words::EntryIndexer;
use super::pages::StoredPages;
use super::view::WordView;
use crate::Error;
use crate::words::index::{Builder, IndexError, verify};

/// What is wrong with the tables of the index, whatever they hold.
pub(crate) fn faults_of_tables(connection: &Connection) -> Result<Vec<String>, Error> {
    let mut faults = Vec::new();
    for sql in [
        "SELECT segment_id, count(*) || ' pages of the word index are of segment ' || segment_id || ', which is not there'
         FROM word_page WHERE segment_id NOT IN (SELECT id FROM word_segment) GROUP BY segment_id",
        "SELECT id, 'segment ' || id || ' of the word index is of an unknown state' FROM word_segment
         WHERE state NOT IN ('ready', 'building', 'leaving')",
        "SELECT id, 'segment ' || id || ' of the word index must go from an older to a newer one, got '
             || oldest || ' to ' || newest FROM word_segment
         WHERE typeof(oldest) <> 'integer' OR typeof(newest) <> 'integer' OR oldest > newest",
        "SELECT max(id), count(*) || ' segments of the word index are both number ' || newest FROM word_segment
         WHERE state = 'ready' GROUP BY newest HAVING count(*) > 1",
        "SELECT max(id), count(*) || ' segments of the word index are being merged' FROM word_segment
         WHERE state = 'building' HAVING count(*) > 1",
    ] {
        let mut statement = connection.prepare(sql)?;
        let found = statement.query_map([], |row| row.get(1))?;
        faults.extend(found.collect::<Result<Vec<String>, _>>()?);
    }
    Ok(faults)
}

/// Holds a view against the entries.
pub(crate) struct Inspection<'a> {
    connection: &'a Connection,
    view: &'a WordView,
    indexer: EntryIndexer,
}

impl<'a> Inspection<'a> {
    pub(crate) fn new(connection: &'a Connection, view: &'a WordView) -> Self {
        Self { connection, view, indexer: EntryIndexer::new() }
    }

    /// Segments that cannot be read, or whose pages do not say what their tables say. Reads every page.
    pub(crate) fn faults_of_segments(&mut self) -> Result<Vec<String>, Error> {
        let mut faults = Vec::new();
        for (id, docs, fault) in self.view.tables() {
            let mut of = |fault: String| faults.push(format!("segment {id} of the word index: {fault}"));
            if let Some(fault) = fault {
                of(fault.to_owned());
                continue;
            }
            let pages = StoredPages::new(self.connection, id);
            match verify(docs, &pages, &mut || Ok(())) {
                Ok(differing) if differing.is_empty() => {}
                Ok(differing) => {
                    of(format!("{} passages have other words than its table says", differing.len()));
                }
                Err(IndexError::Storage(error)) => return Err(error),
                Err(damaged @ IndexError::Damaged { .. }) => of(damaged.to_string()),
            }
        }
        faults.extend(self.view.missing_pages(self.connection)?);
        Ok(faults)
    }

    /// In what the index and an entry differ.
    pub(crate) fn fault_of_entry(&mut self, row: i64) -> Result<Option<String>, Error> {
        if self.view.waits(row) {
            return Ok(None);
        }
        let Some(found) = self.view.passages_of(row) else {
            return Ok(Some("the word index does not have the entry".to_owned()));
        };
        let mut builder = Builder::default();
        self.indexer.index(self.connection, row, &mut builder)?;
        let (docs, _) = builder.build();
        let passages = docs.passages();
        let expected: Vec<_> = (0..passages.len() as u32)
            .map(|ordinal| (passages.key(ordinal), passages.length(ordinal), passages.check(ordinal)))
            .collect();
        Ok((found != expected).then(|| "the word index does not say what the entry says".to_owned()))
    }
}
