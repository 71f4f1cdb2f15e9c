//! For backends that hold codes: an index that keeps the source of its exact rows in step.

use std::sync::Arc;

use super::NaiveIndex;
use crate::{
    Error, Key, Neighbor, ResidentIndex, SearchOptions, Unsettled, VectorIndex, VectorSearch, VectorSource,
};

type SetSource<I> = fn(&mut I, Arc<dyn VectorSource + Send + Sync>);

/// An index of codes with its exact rows beside it: every change goes to both, and the index's source is replaced by the rows as they
/// then are, so that a view keeps those of its moment.
pub struct WithSource<I> {
    index: I,
    rows: Arc<NaiveIndex>,
    set_source: SetSource<I>,
}

impl<I: VectorIndex> WithSource<I> {
    /// Wraps an empty index; `set_source` gives it another source.
    pub fn new(index: I, set_source: SetSource<I>) -> Self {
        let rows = Arc::new(NaiveIndex::new(index.dimensions()));
        Self { index, rows, set_source }
    }

    fn change<T>(&mut self, change: impl Fn(&mut dyn VectorIndex) -> Result<T, Error>) -> Result<T, Error> {
        let result = change(&mut self.index)?;
        // The index lets go of the rows first, so that they are changed in place unless a view holds them.
        (self.set_source)(&mut self.index, Arc::new(NaiveIndex::new(1)));
        let rows: &mut NaiveIndex = Arc::make_mut(&mut self.rows);
        change(rows)?;
        (self.set_source)(&mut self.index, Arc::clone(&self.rows) as _);
        Ok(result)
    }
}

impl<I: VectorSearch> VectorSearch for WithSource<I> {
    fn dimensions(&self) -> usize {
        self.index.dimensions()
    }
    fn len(&self) -> usize {
        self.index.len()
    }
    fn search(&self, query: &[f32], options: &SearchOptions<'_>) -> Result<Vec<Neighbor>, Error> {
        self.index.search(query, options)
    }
    fn search_batch(
        &self,
        queries: &[f32],
        options: &SearchOptions<'_>,
    ) -> Result<Vec<Vec<Neighbor>>, Error> {
        self.index.search_batch(queries, options)
    }
    fn search_unsettled<'a>(
        &'a self,
        query: &'a [f32],
        options: &SearchOptions<'a>,
    ) -> Result<Option<Box<dyn Unsettled + 'a>>, Error> {
        self.index.search_unsettled(query, options)
    }
    fn memory_bytes(&self) -> usize {
        self.index.memory_bytes()
    }
}

impl<I: VectorIndex> VectorIndex for WithSource<I> {
    fn upsert(&mut self, keys: &[Key], rows: &[f32]) -> Result<(), Error> {
        self.change(|index| index.upsert(keys, rows))
    }
    fn remove(&mut self, keys: &[Key]) -> Result<usize, Error> {
        self.change(|index| index.remove(keys))
    }
    fn remove_entry(&mut self, entry: i64) -> Result<usize, Error> {
        self.change(|index| index.remove_entry(entry))
    }
    fn clear(&mut self) -> Result<(), Error> {
        self.change(|index| index.clear())
    }
}

impl<I: ResidentIndex> ResidentIndex for WithSource<I> {
    fn snapshot(&self) -> Arc<dyn VectorSearch + Send + Sync> {
        self.index.snapshot()
    }
}
