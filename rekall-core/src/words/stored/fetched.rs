//! Pages that were read before a search needs them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Bound;
use std::sync::Arc;

use super::WordTables;
use super::known_pages::KnownPages;
use crate::Error;
use crate::words::index::Page;

/// The pages that may hold some terms. Read at once where each reading takes a round trip to a server.
#[derive(Debug, Default)]
pub(super) struct Fetched {
    terms: HashSet<Vec<u8>>,
    segments: HashMap<i64, BTreeMap<Arc<[u8]>, Page>>,
}

impl Fetched {
    /// Reads those that are not known, and then are; `None` where pages are read one by one.
    pub(super) fn read(
        tables: &dyn WordTables,
        segments: &[i64],
        terms: &[&[u8]],
        known: &KnownPages,
    ) -> Result<Option<Self>, Error> {
        let (mut found, mut unknown) = (Vec::new(), Vec::new());
        for term in terms {
            match known.of_term(segments, term) {
                Some(pages) => found.extend(segments.iter().copied().zip(pages)),
                None => unknown.push(*term),
            }
        }
        let Some(pages) = tables.pages_at(segments, &unknown)? else { return Ok(None) };
        let pages = found.into_iter().filter_map(|(segment, page)| Some((segment, page?))).chain(pages);
        let mut fetched = Self {
            terms: terms.iter().map(|term| term.to_vec()).collect(),
            segments: segments.iter().map(|&segment| (segment, BTreeMap::new())).collect(),
        };
        for (segment, page) in pages {
            fetched.segments.entry(segment).or_default().insert(Arc::clone(&page.first_term), page);
        }
        for term in unknown {
            for &segment in segments {
                known.keep(segment, term, fetched.page_at(segment, term).flatten());
            }
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
