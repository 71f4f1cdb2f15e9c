//! Pages that were read before a search needs them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Bound;
use std::sync::Arc;

use super::WordTables;
use crate::Error;
use crate::words::index::Page;

/// The pages that may hold some terms. Read at once where each reading takes a round trip to a server.
#[derive(Debug, Default)]
pub(super) struct Fetched {
    terms: HashSet<Vec<u8>>,
    segments: HashMap<i64, BTreeMap<Arc<[u8]>, Page>>,
}

impl Fetched {
    /// Reads them; `None` where pages are read one by one.
    pub(super) fn read(
        tables: &dyn WordTables,
        segments: &[i64],
        terms: &[&[u8]],
    ) -> Result<Option<Self>, Error> {
        let Some(pages) = tables.pages_at(segments, terms)? else { return Ok(None) };
        let mut fetched = Self {
            terms: terms.iter().map(|term| term.to_vec()).collect(),
            segments: segments.iter().map(|&segment| (segment, BTreeMap::new())).collect(),
        };
        for (segment, page) in pages {
            fetched.segments.entry(segment).or_default().insert(Arc::clone(&page.first_term), page);
        }
        Ok(Some(fetched))
    }

    /// The last page whose first term is `term` or lies before it; the outer `None`: the term was not asked for.
    pub(super) fn page_at(&self, segment: i64, term: &[u8]) -> Option<Option<Page>> {
        let pages = self.segments.get(&segment).filter(|_| self.terms.contains(term))?;
        // No page lies between this one and the term: it would have been read instead.
        let found = pages.range::<[u8], _>((Bound::Unbounded, Bound::Included(term))).next_back();
        Some(found.map(|(_, page)| page.clone()))
    }
}
