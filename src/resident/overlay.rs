//! An index that stays in the file, with what changed since in memory.

use std::sync::Arc;

use rekall_index::{
    EntrySet, Error, FlatIndex, Neighbor, ResidentIndex, SearchOptions, VectorIndex, VectorSearch,
};

type Search = Arc<dyn VectorSearch + Send + Sync>;

/// The entries that changed since a base was made, and their rows.
pub(super) struct Overlay {
    changed: Arc<EntrySet>,
    delta: FlatIndex,
}

impl Overlay {
    pub(super) fn new(dimensions: usize) -> Result<Self, Error> {
        Ok(Self { changed: Arc::default(), delta: FlatIndex::new(dimensions)? })
    }

    /// From now on what the base says of this entry does not count.
    pub(super) fn supersede(&mut self, entry: i64) -> Result<(), Error> {
        Arc::make_mut(&mut self.changed).insert(entry);
        self.delta.remove_entry(entry)?;
        Ok(())
    }

    /// Takes the rows of entries that were superseded.
    pub(super) fn delta(&mut self) -> &mut FlatIndex {
        &mut self.delta
    }

    /// Entries that changed since the base was made.
    pub(super) fn changed(&self) -> u64 {
        self.changed.len()
    }

    /// A view that searches `base` and what changed since.
    pub(super) fn over(&self, base: Search) -> Search {
        Arc::new(View { base, changed: Arc::clone(&self.changed), delta: self.delta.snapshot() })
    }
}

struct View {
    base: Search,
    changed: Arc<EntrySet>,
    delta: Search,
}

impl VectorSearch for View {
    fn dimensions(&self) -> usize {
        self.base.dimensions()
    }

    /// Rows of the base that were superseded count too: how many they are is not known without reading it.
    fn len(&self) -> usize {
        self.base.len() + self.delta.len()
    }

    fn search(
        &self,
        query: &[f32],
        options: &SearchOptions<'_>,
        out: &mut Vec<Neighbor>,
    ) -> Result<(), Error> {
        let excluded;
        let mut in_base = *options;
        if !self.changed.is_empty() {
            excluded = match options.exclude {
                Some(exclude) => exclude.union(&self.changed),
                None => (*self.changed).clone(),
            };
            in_base.exclude = Some(&excluded);
        }
        self.base.search(query, &in_base, out)?;
        let mut newer = Vec::new();
        self.delta.search(query, options, &mut newer)?;
        // No entry is in both: the base leaves out what the delta has.
        out.append(&mut newer);
        out.sort_by(Neighbor::rank_cmp);
        out.truncate(options.k);
        Ok(())
    }

    fn memory_bytes(&self) -> usize {
        self.base.memory_bytes() + self.delta.memory_bytes() + self.changed.memory_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rekall_index::Key;

    #[test]
    fn what_changed_comes_from_the_delta_alone() {
        let mut base = FlatIndex::new(2).unwrap();
        let keys = [Key::new(1, 0, 0), Key::new(2, 0, 0), Key::new(3, 0, 0)];
        base.upsert(&keys, &[1.0, 0.0, 0.8, 0.6, 0.0, 1.0]).unwrap();
        let mut overlay = Overlay::new(2).unwrap();
        // Entry 1 turned away, entry 3 is gone, entry 4 is new.
        for entry in [1, 3, 4] {
            overlay.supersede(entry).unwrap();
        }
        overlay.delta().upsert(&[Key::new(1, 0, 0), Key::new(4, 0, 0)], &[0.0, 1.0, 1.0, 0.0]).unwrap();
        let mut found = Vec::new();
        overlay.over(base.snapshot()).search(&[1.0, 0.0], &SearchOptions::new(10), &mut found).unwrap();
        let found: Vec<(i64, f32)> = found.iter().map(|near| (near.key.entry, near.similarity)).collect();
        assert_eq!(found, [(4, 1.0), (2, 0.8), (1, 0.0)]);
    }
}
