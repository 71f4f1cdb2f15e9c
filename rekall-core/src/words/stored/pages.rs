//! The pages of a segment in the store.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Arc;

use super::WordTables;
use super::fetched::Fetched;
use crate::words::index::{IndexError, Page, Pages};

/// The pages of one segment, read when they are asked for, or before.
pub(super) struct StoredPages<'t> {
    tables: &'t dyn WordTables,
    segment: i64,
    fetched: Option<&'t Fetched>,
    ahead: RefCell<Ahead>,
}

/// Pages that follow the one that was given last.
#[derive(Default)]
struct Ahead {
    last: Option<Arc<[u8]>>,
    pages: VecDeque<Page>,
}

impl<'t> StoredPages<'t> {
    pub(super) fn new(tables: &'t dyn WordTables, segment: i64) -> Self {
        Self { tables, segment, fetched: None, ahead: RefCell::default() }
    }

    /// The same, of which some have been read.
    pub(super) fn with(tables: &'t dyn WordTables, segment: i64, fetched: Option<&'t Fetched>) -> Self {
        Self { fetched, ..Self::new(tables, segment) }
    }
}

impl Pages for StoredPages<'_> {
    fn page_at(&self, term: &[u8]) -> Result<Option<Page>, IndexError> {
        match self.fetched.and_then(|fetched| fetched.page_at(self.segment, term)) {
            Some(page) => Ok(page),
            None => Ok(self.tables.page_at(self.segment, term)?),
        }
    }

    fn page_after(&self, term: &[u8]) -> Result<Option<Page>, IndexError> {
        let mut ahead = self.ahead.borrow_mut();
        if ahead.pages.is_empty() || ahead.last.as_deref() != Some(term) {
            ahead.pages = self.tables.pages_after(self.segment, term)?.into();
        }
        let page = ahead.pages.pop_front();
        ahead.last = page.as_ref().map(|page| Arc::clone(&page.first_term));
        Ok(page)
    }
}
