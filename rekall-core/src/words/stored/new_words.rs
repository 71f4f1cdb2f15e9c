//! The words of entries that a transaction is writing.
//!
//! A store on a server is busy with rows for as long as their words take to be read. Where it reads them meanwhile, [`persist`](super::persist)
//! has them without asking the server for the texts that it was just given.

use super::StoredText;
use super::entry_words::EntryIndexer;
use super::persist::{CHARACTERS_AT_ONCE, ENTRIES_AT_ONCE};
use crate::words::index::{Builder, Docs, Page};

/// The words of new entries, up to as many as become one segment; those of any beyond them are read when they are moved.
///
/// Memory: about ten bytes for each character, so 40 MB at the most.
pub struct NewWords {
    indexer: EntryIndexer,
    builder: Builder,
    /// What the builder has become.
    segment: Option<(Docs, Vec<Page>)>,
    rows: Vec<i64>,
    characters: i64,
}

impl Default for NewWords {
    fn default() -> Self {
        Self::new()
    }
}

impl NewWords {
    /// Of no entry yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            indexer: EntryIndexer::new(),
            builder: Builder::default(),
            segment: None,
            rows: Vec::new(),
            characters: 0,
        }
    }

    /// Whether there is no room for more.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.segment.is_some() || self.rows.len() >= ENTRIES_AT_ONCE || self.characters >= CHARACTERS_AT_ONCE
    }

    /// Reads the words of the entry with this row number, from its columns as they are stored; rows ascend. Nothing happens when it
    /// [is full](Self::is_full).
    pub fn add(&mut self, row: i64, title: &str, content: &str, tags: &str, context: Option<&str>) {
        if self.is_full() {
            return;
        }
        let count = |text: &str| i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
        self.characters += count(title) + count(content) + count(tags) + context.map_or(0, count);
        let context = context.map(str::to_owned);
        let text = StoredText::new(title.to_owned(), content.to_owned(), tags.to_owned(), context);
        self.indexer.index(row, Some(&text), &mut self.builder);
        self.rows.push(row);
    }

    /// Makes a segment of what was read, of which there is no more to come.
    pub fn finish(&mut self) {
        if self.segment.is_none() {
            self.segment = Some(std::mem::take(&mut self.builder).build());
        }
    }

    /// The segment, if it is that of these entries.
    pub(super) fn of(mut self, rows: &[i64]) -> Option<(Docs, Vec<Page>)> {
        if self.rows != rows {
            return None;
        }
        self.finish();
        self.segment
    }
}

impl std::fmt::Debug for NewWords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewWords").field("rows", &self.rows.len()).finish_non_exhaustive()
    }
}
