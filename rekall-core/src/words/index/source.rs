//! What can be searched.

use std::sync::Arc;

use super::page::Terms;
use super::{Dead, Docs, IndexError, Page, Pages, Passages, Posting};

/// Passages with the terms they hold: a segment, or the entries that no segment has yet.
pub(crate) trait Source {
    /// All passages, dead ones included.
    fn passages(&self) -> &Passages;

    /// The passages that count no more. A row may live in one source only.
    fn dead(&self) -> &Dead;

    /// The posting of a term, if the source has it.
    ///
    /// # Errors
    ///
    /// What reading failed with.
    fn posting(&self, term: &[u8]) -> Result<Option<Posting>, IndexError>;

    /// Calls `each` with the posting of every term that begins with `prefix`, in any order.
    ///
    /// # Errors
    ///
    /// What reading or `each` failed with.
    fn with_prefix(
        &self,
        prefix: &[u8],
        each: &mut dyn FnMut(Posting) -> Result<(), IndexError>,
    ) -> Result<(), IndexError>;
}

/// A segment: its table, and where its pages are.
#[derive(Debug, Clone)]
pub(crate) struct Segment<P> {
    docs: Arc<Docs>,
    dead: Arc<Dead>,
    pages: P,
}

impl<P: Pages> Segment<P> {
    /// A segment with this table, of which these passages are dead.
    pub(crate) fn new(docs: Arc<Docs>, dead: Arc<Dead>, pages: P) -> Self {
        Self { docs, dead, pages }
    }
}

impl<P: Pages> Source for Segment<P> {
    fn passages(&self) -> &Passages {
        self.docs.passages()
    }

    fn dead(&self) -> &Dead {
        &self.dead
    }

    fn posting(&self, term: &[u8]) -> Result<Option<Posting>, IndexError> {
        let Some(page) = self.pages.page_at(term)? else { return Ok(None) };
        let mut terms = Terms::new(&page)?;
        while let Some(posting) = terms.next()? {
            if *terms.term >= *term {
                return Ok((*terms.term == *term).then_some(posting));
            }
        }
        Ok(None)
    }

    fn with_prefix(
        &self,
        prefix: &[u8],
        each: &mut dyn FnMut(Posting) -> Result<(), IndexError>,
    ) -> Result<(), IndexError> {
        let mut terms = TermRange::from(&self.pages, prefix)?;
        while let Some(posting) = terms.next()? {
            if !terms.term().starts_with(prefix) {
                break;
            }
            each(posting)?;
        }
        Ok(())
    }
}

/// The terms of a segment in order, over all pages.
pub(super) struct TermRange<'a> {
    pages: &'a dyn Pages,
    terms: Option<(Page, Terms)>,
    /// A posting that was read to find the beginning.
    found: Option<Posting>,
}

impl<'a> TermRange<'a> {
    /// The terms from `term` on.
    ///
    /// # Errors
    ///
    /// What reading failed with.
    pub(super) fn from(pages: &'a dyn Pages, term: &[u8]) -> Result<Self, IndexError> {
        let page = match pages.page_at(term)? {
            Some(page) => Some(page),
            None => pages.page_after(term)?,
        };
        let mut range = Self { pages, terms: None, found: None };
        range.open(page)?;
        while let Some(posting) = range.next()? {
            if range.term() >= term {
                range.found = Some(posting);
                break;
            }
        }
        Ok(range)
    }

    /// The terms after `term`.
    ///
    /// # Errors
    ///
    /// What reading failed with.
    pub(super) fn after(pages: &'a dyn Pages, term: &[u8]) -> Result<Self, IndexError> {
        let mut range = Self::from(pages, term)?;
        if range.found.is_some() && range.term() == term {
            range.found = None;
        }
        Ok(range)
    }

    /// The term that [`Self::next`] moved to.
    pub(super) fn term(&self) -> &[u8] {
        self.terms.as_ref().map_or(&[], |(_, terms)| &terms.term)
    }

    /// Moves to the next term; `None` after the last.
    ///
    /// # Errors
    ///
    /// What reading failed with.
    pub(super) fn next(&mut self) -> Result<Option<Posting>, IndexError> {
        if let Some(posting) = self.found.take() {
            return Ok(Some(posting));
        }
        while let Some((page, terms)) = &mut self.terms {
            if let Some(posting) = terms.next()? {
                return Ok(Some(posting));
            }
            let after = self.pages.page_after(&page.first_term)?;
            self.open(after)?;
        }
        Ok(None)
    }

    fn open(&mut self, page: Option<Page>) -> Result<(), IndexError> {
        self.terms = match page {
            Some(page) => {
                let terms = Terms::new(&page)?;
                Some((page, terms))
            }
            None => None,
        };
        Ok(())
    }
}
