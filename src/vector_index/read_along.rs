//! Rows that were read in the round trip that began a view, before anybody asked for them.

use std::cell::RefCell;
use std::collections::HashMap;

use rekall_core::store::{HitParts, HitRows};
use rekall_core::{Entry, Error, VectorKey};

/// Entries, and the spans of vectors. Each entry is handed on once.
#[derive(Default)]
pub(super) struct ReadAlong {
    entries: RefCell<HashMap<i64, Result<Entry, Error>>>,
    spans: HashMap<VectorKey, Option<(u32, u32)>>,
}

impl ReadAlong {
    /// What was found of what was wanted.
    pub(super) fn new(
        wanted: &HitRows<'_>,
        entries: Vec<(i64, Result<Entry, Error>)>,
        spans: Vec<Option<(u32, u32)>>,
    ) -> Self {
        let spans = wanted.spans.iter().copied().zip(spans).collect();
        Self { entries: RefCell::new(entries.into_iter().collect()), spans }
    }

    /// The hits, if all that is wanted was read.
    pub(super) fn take(&self, wanted: &HitRows<'_>) -> Option<HitParts> {
        let mut entries = self.entries.borrow_mut();
        let wants_vectors = !wanted.vectors_of.is_empty() || !wanted.vectors_at.is_empty();
        if wants_vectors || !wanted.entries.iter().all(|row| entries.contains_key(row)) {
            return None;
        }
        let spans: Option<Vec<_>> = wanted.spans.iter().map(|key| self.spans.get(key).copied()).collect();
        let spans = spans?;
        let entries = wanted.entries.iter().filter_map(|row| entries.remove_entry(row)).collect();
        Some(HitParts { entries, spans, ..HitParts::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hits_are_handed_on_when_all_of_them_were_read() {
        let key = |entry| VectorKey { entry, role: 0, chunk: 0 };
        let unreadable = || {
            let id = "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
            Err(Error::UnreadableEntry { id, detail: "damaged".to_owned() })
        };
        let read = HitRows { entries: &[1, 2], spans: &[key(1), key(2)], ..HitRows::default() };
        let along =
            ReadAlong::new(&read, vec![(2, unreadable()), (1, unreadable())], vec![Some((3, 4)), None]);
        for more in [
            HitRows { entries: &[1, 3], ..read },
            HitRows { spans: &[key(1), key(3)], ..read },
            HitRows { vectors_of: &[1], ..read },
            HitRows { vectors_at: &[key(1)], ..read },
        ] {
            assert!(along.take(&more).is_none());
        }
        let hits = along.take(&HitRows { entries: &[2], spans: &[key(2), key(1)], ..read }).unwrap();
        assert_eq!((hits.entries.len(), hits.entries[0].0), (1, 2));
        assert_eq!(hits.spans, [None, Some((3, 4))]);
        assert!(along.take(&read).is_none(), "an entry is handed on once");
    }
}
