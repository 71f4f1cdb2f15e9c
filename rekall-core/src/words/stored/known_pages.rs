//! Pages that earlier searches read, where reading takes a round trip to a server.

use std::collections::HashMap;
use std::sync::Mutex;

use crate::lock::lock;
use crate::words::index::Page;

/// Bytes that are kept. Frequent words have large pages, of some hundred kilobytes each.
const MOST_BYTES: usize = 8 << 20;

/// What a term counts beside its page.
const OVERHEAD: usize = 128;

/// The pages that may hold some terms. A segment never changes, so they stay right as long as it is listed as it was, in one history
/// of the store.
#[derive(Debug, Default)]
pub(super) struct KnownPages(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// By segment and term; no page where all lie after the term.
    pages: HashMap<(i64, Vec<u8>), Kept>,
    bytes: usize,
    /// Counts the uses.
    clock: u64,
}

#[derive(Debug)]
struct Kept {
    page: Option<Page>,
    used_at: u64,
}

impl KnownPages {
    /// The pages of a term in these segments, in their order, if all of them are known.
    pub(super) fn of_term(&self, segments: &[i64], term: &[u8]) -> Option<Vec<Option<Page>>> {
        let mut known = lock(&self.0);
        known.clock += 1;
        let now = known.clock;
        let page = |&segment: &i64| {
            let kept = known.pages.get_mut(&(segment, term.to_vec()))?;
            kept.used_at = now;
            Some(kept.page.clone())
        };
        segments.iter().map(page).collect()
    }

    /// Keeps a page, and forgets those that were not used for the longest time where they are too many.
    pub(super) fn keep(&self, segment: i64, term: &[u8], page: Option<Page>) {
        let size = bytes(term, page.as_ref());
        if size > MOST_BYTES / 4 {
            return;
        }
        let mut known = lock(&self.0);
        let used_at = known.clock;
        let key = (segment, term.to_vec());
        known.bytes += size;
        if let Some(before) = known.pages.insert(key, Kept { page, used_at }) {
            known.bytes -= bytes(term, before.page.as_ref());
        }
        if known.bytes > MOST_BYTES {
            known.shrink();
        }
    }

    /// Forgets the pages of all other segments.
    pub(super) fn retain(&self, segments: &[i64]) {
        let mut known = lock(&self.0);
        known.pages.retain(|(segment, _), _| segments.contains(segment));
        known.count();
    }

    /// Bytes of heap; a page of several terms counts for each.
    pub(super) fn memory_bytes(&self) -> usize {
        lock(&self.0).bytes
    }
}

impl Known {
    /// Keeps half of what is allowed.
    fn shrink(&mut self) {
        let mut by_use: Vec<(u64, usize)> = self
            .pages
            .iter()
            .map(|((_, term), kept)| (kept.used_at, bytes(term, kept.page.as_ref())))
            .collect();
        by_use.sort_unstable_by(|a, b| b.cmp(a));
        let mut left = MOST_BYTES / 2;
        let fits = by_use.iter().take_while(|(_, bytes)| {
            let rest = left.checked_sub(*bytes);
            left = rest.unwrap_or(0);
            rest.is_some()
        });
        let oldest = fits.last().map_or(u64::MAX, |(used_at, _)| *used_at);
        self.pages.retain(|_, kept| kept.used_at >= oldest);
        self.count();
        if self.bytes > MOST_BYTES {
            // All of one search.
            *self = Self { clock: self.clock, ..Self::default() };
        }
    }

    fn count(&mut self) {
        self.bytes = self.pages.iter().map(|((_, term), kept)| bytes(term, kept.page.as_ref())).sum();
    }
}

fn bytes(term: &[u8], page: Option<&Page>) -> usize {
    OVERHEAD + term.len() + page.map_or(0, |page| page.first_term.len() + page.docs.len() + page.places.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(bytes: usize) -> Option<Page> {
        Some(Page { first_term: b"a".as_slice().into(), docs: vec![1; bytes].into(), places: [].into() })
    }

    #[test]
    fn a_term_is_known_when_its_pages_of_all_segments_are() {
        let known = KnownPages::default();
        known.keep(1, b"heron", page(10));
        assert_eq!(known.of_term(&[1, 2], b"heron"), None);
        known.keep(2, b"heron", None);
        assert_eq!(known.of_term(&[2, 1], b"heron"), Some(vec![None, page(10)]));
        assert_eq!(known.of_term(&[1], b"egret"), None);
        known.retain(&[2]);
        assert_eq!((known.of_term(&[1], b"heron"), known.of_term(&[2], b"heron")), (None, Some(vec![None])));
        assert_eq!(known.memory_bytes(), OVERHEAD + 5);
    }

    #[test]
    fn memory_is_bounded_and_what_was_used_last_stays() {
        let known = KnownPages::default();
        for number in 0..90_u32 {
            // The first one is used again and again.
            known.of_term(&[1], &0_u32.to_le_bytes());
            known.keep(1, &number.to_le_bytes(), page(1 << 19));
            assert!(known.memory_bytes() <= MOST_BYTES, "{}", known.memory_bytes());
            assert_eq!(known.of_term(&[1], &number.to_le_bytes()), Some(vec![page(1 << 19)]));
        }
        assert!(known.of_term(&[1], &0_u32.to_le_bytes()).is_some());
        assert!(known.of_term(&[1], &1_u32.to_le_bytes()).is_none());
        // What would leave little room for others is not kept.
        let before = known.memory_bytes();
        known.keep(1, b"the", page(MOST_BYTES / 4));
        assert_eq!((known.of_term(&[1], b"the"), known.memory_bytes()), (None, before));
    }
}
