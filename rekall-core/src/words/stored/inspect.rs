//! Whether the word index says what the entries say.

use std::ops::ControlFlow;

use super::entry_words::EntryIndexer;
use super::pages::StoredPages;
use super::{WordTables, WordView};
use crate::Error;
use crate::words::index::{Builder, IndexError, verify};

/// Holds a view against the entries.
pub(crate) struct Inspection<'a> {
    tables: &'a dyn WordTables,
    view: &'a WordView,
    indexer: EntryIndexer,
}

impl<'a> Inspection<'a> {
    pub(crate) fn new(tables: &'a dyn WordTables, view: &'a WordView) -> Self {
        Self { tables, view, indexer: EntryIndexer::new() }
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
            let pages = StoredPages::new(self.tables, id);
            match verify(docs, &pages, &mut || Ok(())) {
                Ok(differing) if differing.is_empty() => {}
                Ok(differing) => {
                    of(format!("{} passages have other words than its table says", differing.len()));
                }
                Err(IndexError::Storage(error)) => return Err(error),
                Err(damaged @ IndexError::Damaged { .. }) => of(damaged.to_string()),
            }
        }
        faults.extend(self.view.missing_pages(self.tables)?);
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
        let indexer = &mut self.indexer;
        self.tables.texts(&[row], &mut |row, text| {
            indexer.index(row, text.as_ref(), &mut builder);
            Ok(ControlFlow::Continue(()))
        })?;
        let (docs, _) = builder.build();
        let passages = docs.passages();
        let expected: Vec<_> = (0..passages.len() as u32)
            .map(|ordinal| (passages.key(ordinal), passages.length(ordinal), passages.check(ordinal)))
            .collect();
        Ok((found != expected).then(|| "the word index does not say what the entry says".to_owned()))
    }
}
