//! What changed since a base in the file was made, held in memory and searched with it.

use std::sync::Arc;

use rekall_index::{
    EntrySet, Error, FlatIndex, Key, Neighbor, ResidentIndex, SearchOptions, VectorIndex, VectorSearch,
};

use super::backend::SharedSearch;

/// The entries that changed since a base was made, and their rows.
pub(crate) struct Delta {
    changed: Arc<EntrySet>,
    rows: FlatIndex,
}

impl Delta {
    pub(crate) fn new(dimensions: usize) -> Result<Self, Error> {
        Ok(Self { changed: Arc::default(), rows: FlatIndex::new(dimensions)? })
    }

    /// From now on what the base says of this entry does not count.
    pub(crate) fn supersede(&mut self, entry: i64) -> Result<(), Error> {
        Arc::make_mut(&mut self.changed).insert(entry);
        self.rows.remove_entry(entry)?;
        Ok(())
    }

    /// Takes rows of entries that were superseded.
    pub(crate) fn add(&mut self, keys: &[Key], rows: &[f32]) -> Result<(), Error> {
        self.rows.upsert(keys, rows)
    }

    /// Entries that changed since the base was made.
    pub(crate) fn changed(&self) -> u64 {
        self.changed.len()
    }

    /// What it holds in memory.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.rows.memory_bytes() + self.changed.memory_bytes()
    }

    /// A view that searches `base` and what changed since.
    pub(crate) fn over(&self, base: SharedSearch) -> SharedSearch {
        Arc::new(BaseAndDelta { base, changed: Arc::clone(&self.changed), newer: self.rows.snapshot() })
    }
}

struct BaseAndDelta {
    base: SharedSearch,
    changed: Arc<EntrySet>,
    newer: SharedSearch,
}

impl BaseAndDelta {
    /// What the base is asked: the entries that changed do not count there. `all` gives the options their set.
    fn in_base<'a>(&'a self, options: &SearchOptions<'a>, all: &'a mut EntrySet) -> SearchOptions<'a> {
        let mut in_base = *options;
        if !self.changed.is_empty() {
            let exclude: &'a EntrySet = match options.exclude {
                Some(exclude) => {
                    *all = exclude.union(&self.changed);
                    all
                }
                None => &self.changed,
            };
            in_base.exclude = Some(exclude);
        }
        in_base
    }
}

/// No entry is in both: the base leaves out what the delta has.
fn merged(mut found: Vec<Neighbor>, mut newer: Vec<Neighbor>, options: &SearchOptions<'_>) -> Vec<Neighbor> {
    found.append(&mut newer);
    found.sort_by(Neighbor::rank_cmp);
    options.truncate(&mut found);
    found
}

impl VectorSearch for BaseAndDelta {
    fn dimensions(&self) -> usize {
        self.base.dimensions()
    }

    /// Rows of the base that were superseded count too: how many they are is not known without reading it.
    fn len(&self) -> usize {
        self.base.len() + self.newer.len()
    }

    fn search(&self, query: &[f32], options: &SearchOptions<'_>) -> Result<Vec<Neighbor>, Error> {
        let mut excluded = EntrySet::new();
        let found = self.base.search(query, &self.in_base(options, &mut excluded))?;
        Ok(merged(found, self.newer.search(query, options)?, options))
    }

    /// One pass over the base for all queries: it may lie in the file.
    fn search_batch(
        &self,
        queries: &[f32],
        options: &SearchOptions<'_>,
    ) -> Result<Vec<Vec<Neighbor>>, Error> {
        let mut excluded = EntrySet::new();
        let found = self.base.search_batch(queries, &self.in_base(options, &mut excluded))?;
        let newer = self.newer.search_batch(queries, options)?;
        Ok(found.into_iter().zip(newer).map(|(found, newer)| merged(found, newer, options)).collect())
    }

    fn memory_bytes(&self) -> usize {
        self.base.memory_bytes() + self.newer.memory_bytes() + self.changed.memory_bytes()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Counts the passes over a base.
    struct Counting {
        index: FlatIndex,
        passes: AtomicUsize,
    }

    impl VectorSearch for Counting {
        fn dimensions(&self) -> usize {
            self.index.dimensions()
        }
        fn len(&self) -> usize {
            self.index.len()
        }
        fn search(&self, query: &[f32], options: &SearchOptions<'_>) -> Result<Vec<Neighbor>, Error> {
            self.passes.fetch_add(1, Ordering::Relaxed);
            self.index.search(query, options)
        }
        fn search_batch(
            &self,
            queries: &[f32],
            options: &SearchOptions<'_>,
        ) -> Result<Vec<Vec<Neighbor>>, Error> {
            self.passes.fetch_add(1, Ordering::Relaxed);
            self.index.search_batch(queries, options)
        }
        fn memory_bytes(&self) -> usize {
            self.index.memory_bytes()
        }
    }

    #[test]
    fn what_changed_comes_from_the_delta_alone() {
        let mut base = FlatIndex::new(2).unwrap();
        let keys = [Key::new(1, 0, 0), Key::new(2, 0, 0), Key::new(3, 0, 0)];
        base.upsert(&keys, &[1.0, 0.0, 0.8, 0.6, 0.0, 1.0]).unwrap();
        let mut delta = Delta::new(2).unwrap();
        // Entry 1 turned away, entry 3 is gone, entry 4 is new.
        for entry in [1, 3, 4] {
            delta.supersede(entry).unwrap();
        }
        delta.add(&[Key::new(1, 0, 0), Key::new(4, 0, 0)], &[0.0, 1.0, 1.0, 0.0]).unwrap();
        let base = Arc::new(Counting { index: base, passes: AtomicUsize::new(0) });
        let view = delta.over(Arc::clone(&base) as SharedSearch);
        let found = view.search(&[1.0, 0.0], &SearchOptions::new(10)).unwrap();
        let rows: Vec<(i64, f32)> = found.iter().map(|near| (near.key.entry, near.similarity)).collect();
        assert_eq!(rows, [(4, 1.0), (2, 0.8), (1, 0.0)]);

        base.passes.store(0, Ordering::Relaxed);
        let excluded: EntrySet = [2].into_iter().collect();
        let options = SearchOptions::new(1).with_exclude(&excluded);
        let lists = view.search_batch(&[1.0, 0.0, 0.0, 1.0], &options).unwrap();
        let entries: Vec<i64> = lists.iter().flatten().map(|near| near.key.entry).collect();
        assert_eq!(entries, [4, 1]);
        assert_eq!(base.passes.load(Ordering::Relaxed), 1, "one pass over the base for both queries");
    }
}
