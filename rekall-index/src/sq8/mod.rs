//! Exact search over int8 codes in memory and exact rows elsewhere.

mod codes;
mod persist;
mod quantize;
mod scorer;
mod stored_block;
mod stream;
mod unsettled;

pub use persist::Sq8Import;
pub use stream::{BlockSource, Sq8Stream};

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::center::{Center, Mean};
use crate::check::{check_dimensions, check_search, check_upsert};
use crate::scan;
use crate::table::Table;
use crate::{
    Error, Key, Neighbor, ResidentIndex, SearchOptions, Unsettled, VectorIndex, VectorSearch, VectorSource,
};

use codes::{Codes, Shape};
use quantize::Encoder;
use scorer::Sq8Scorer;
use unsettled::UnsettledCodes;

/// Exact search over int8 codes: a quarter of the memory of [`FlatIndex`](crate::FlatIndex) and a quarter to a
/// ninth of its time, the same results to the bit.
///
/// # Algorithm
/// Each row is stored as int8 codes of its difference from a common *center* (the mean of the rows, or any other vector),
/// with one scale and the norm of what the codes leave out. A scan of the codes gives, for each row, bounds between
/// which its similarity certainly lies (by Cauchy-Schwarz; the proof stands in `quantize.rs`). Rows whose upper bound reaches
/// the k-th best lower bound, a few dozen of 100,000 as a rule, are read from a [`VectorSource`] and rescored
/// exactly. Before that, a scan of the high halves of the codes alone gives wider bounds, which rule out most rows at half the
/// reading. So nothing is sampled or estimated: bad data can make a search slower, never wrong.
///
/// # Costs
/// - Memory: dimensions (rounded up to a multiple of 32) + 32 bytes a row: 42 MB for 100,000 rows of 384 dimensions.
/// - Search: O(rows × dimensions), about a quarter of the time of `FlatIndex`, and one call to the source for a few dozen
///   rows. Only data that int8 can't tell apart (thousands of equal rows at the border of the result) makes it read more.
/// - Changes and snapshots: as `FlatIndex`. While an index grows from nothing its center is computed again at every eightfold size, if
///   it has moved; each time costs one pass over the codes (some 50 ms at 65,536 rows).
///
/// # What the source must do
/// Give back exactly the rows last upserted here (see [`VectorSource`]). A row that the source has lost fails the searches that need
/// it, with [`Error::MissingRow`].
///
/// # Examples
/// ```
/// use std::sync::Arc;
/// use rekall_index::{FlatIndex, Key, SearchOptions, Sq8Index, VectorIndex, VectorSearch};
/// // Any store of exact rows will do; here another index.
/// let mut rows = FlatIndex::new(2)?;
/// rows.upsert(&[Key::new(1, 0, 0), Key::new(2, 0, 0)], &[1.0, 0.0, 0.6, 0.8])?;
/// let mut index = Sq8Index::new(2, Arc::new(rows))?;
/// index.upsert(&[Key::new(1, 0, 0), Key::new(2, 0, 0)], &[1.0, 0.0, 0.6, 0.8])?;
/// let hits = index.search(&[0.0, 1.0], &SearchOptions::new(1))?;
/// assert_eq!((hits[0].key.entry, hits[0].similarity), (2, 0.8));
/// assert!(index.stats().rescored_rows <= 2);
/// # Ok::<(), rekall_index::Error>(())
/// ```
#[derive(Clone)]
pub struct Sq8Index {
    table: Arc<Table<Codes>>,
    source: Arc<dyn VectorSource + Send + Sync>,
    counters: Arc<Counters>,
    /// The size at which to look again whether the center is still one.
    recenter_at: usize,
}

/// Shared by an index and its snapshots.
#[derive(Debug, Default)]
struct Counters {
    queries: AtomicU64,
    rescored: AtomicU64,
}

impl Counters {
    fn count(&self, queries: usize) {
        self.queries.fetch_add(queries as u64, Ordering::Relaxed);
    }

    fn stats(&self) -> Sq8Stats {
        Sq8Stats {
            queries: self.queries.load(Ordering::Relaxed),
            rescored_rows: self.rescored.load(Ordering::Relaxed),
        }
    }
}

/// What searches of an index and of its snapshots did so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Sq8Stats {
    /// Queries answered or failed, each of a batch counted.
    pub queries: u64,
    /// Exact rows read from the source for them.
    pub rescored_rows: u64,
}

/// Fewer rows than this have no mean worth the name.
const FIRST_CENTER: usize = 256;
/// Size at which a center that is kept for ever is looked at.
const NEVER: usize = usize::MAX;
/// Growth between two looks at the center.
const CENTER_GROWTH: usize = 8;
/// A center that moved less than this (unit vectors: at most 2) is kept: the bounds would hardly tighten.
const CENTER_MOVE: f64 = 0.1;

impl Sq8Index {
    /// An empty index whose exact rows come from `source`. The center becomes the mean of the first 256 rows or more that are
    /// upserted in one call, and follows when the index grows.
    ///
    /// # Errors
    /// [`Error::InvalidDimensions`] for 0 or more than [`MAX_DIMENSIONS`](crate::MAX_DIMENSIONS).
    pub fn new(dimensions: usize, source: Arc<dyn VectorSource + Send + Sync>) -> Result<Self, Error> {
        check_dimensions(dimensions)?;
        Ok(Self::with(Table::new(Shape::new(Center::zero(dimensions))), source, FIRST_CENTER))
    }

    fn with(table: Table<Codes>, source: Arc<dyn VectorSource + Send + Sync>, recenter_at: usize) -> Self {
        Self { table: Arc::new(table), source, counters: Arc::default(), recenter_at }
    }

    /// An empty index with the same center, for ever: what both export can be imported together. For exporting more rows
    /// than fit in memory, one part after the other.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use rekall_index::{FlatIndex, Key, Sq8Index, VectorIndex, VectorSearch};
    /// let mut rows = FlatIndex::new(2)?;
    /// rows.upsert(&[Key::new(1, 0, 0), Key::new(2, 0, 0)], &[1.0, 0.0, 0.6, 0.8])?;
    /// let rows = Arc::new(rows);
    /// // One part after the other: what was exported of a part is no longer needed in memory.
    /// let (mut part, mut blocks) = (Sq8Index::new(2, rows.clone())?, Vec::new());
    /// for entry in [1, 2] {
    ///     let key = Key::new(entry, 0, 0);
    ///     part.upsert(&[key], rows.row(key).unwrap())?;
    ///     blocks.extend(part.export());
    ///     part = part.emptied();
    /// }
    /// assert_eq!(Sq8Index::import(2, rows, blocks.into_iter().map(Ok))?.len(), 2);
    /// # Ok::<(), rekall_index::Error>(())
    /// ```
    #[must_use]
    pub fn emptied(&self) -> Self {
        Self::with(Table::new(self.table.shape().clone()), Arc::clone(&self.source), NEVER)
    }

    /// Takes exact rows from another source from now on; snapshots taken before keep theirs.
    pub fn set_source(&mut self, source: Arc<dyn VectorSource + Send + Sync>) {
        self.source = source;
    }

    /// What searches did so far: how many rows had to be read and rescored exactly.
    #[must_use]
    pub fn stats(&self) -> Sq8Stats {
        self.counters.stats()
    }

    fn table_mut(&mut self) -> &mut Table<Codes> {
        Arc::make_mut(&mut self.table)
    }

    fn run(&self, queries: &[f32], options: &SearchOptions<'_>) -> Result<Vec<Vec<Neighbor>>, Error> {
        let shape = self.table.shape().clone();
        let scorer = Sq8Scorer::new(queries, shape, self.source.as_ref(), &self.counters);
        self.counters.count(queries.len() / self.dimensions());
        scan::search(&self.table, &scorer, options)
    }

    /// Sets a center for what is about to come, if that is a good moment: rows into an empty index.
    fn center_on(&mut self, rows: &[f32]) {
        let dimensions = self.dimensions();
        if self.is_empty() && self.recenter_at != NEVER && rows.len() / dimensions >= FIRST_CENTER {
            let center = Center::mean(dimensions, rows.chunks_exact(dimensions));
            self.table = Arc::new(Table::new(Shape::new(center)));
            self.recenter_at = rows.len() / dimensions * CENTER_GROWTH;
        }
    }

    /// Encodes everything around a new mean once the index has outgrown the old one.
    fn recenter(&mut self) {
        if self.len() < self.recenter_at {
            return;
        }
        self.recenter_at = self.len() * CENTER_GROWTH;
        let shape = self.table.shape();
        let mut row = vec![0.0; shape.dimensions()];
        let mut mean = Mean::new(shape.dimensions());
        for block in self.table.blocks() {
            for number in 0..block.keys().len() {
                shape.decode(block.row(shape, number), &mut row);
                mean.add(&row);
            }
        }
        let center = mean.center();
        if center.distance(shape.center()) < CENTER_MOVE {
            return;
        }
        let mut table = Table::new(Shape::new(center));
        let mut encoder = Encoder::new(table.shape());
        for block in self.table.blocks() {
            for (number, &key) in block.keys().iter().enumerate() {
                let old = block.row(shape, number);
                shape.decode(old, &mut row);
                // The row itself is not at hand; what its old codes left out adds to what the new ones do.
                let new = encoder.encode(&row, f64::from(old.factors.residual) + shape.decode_error());
                table.upsert(key, new);
            }
        }
        self.table = Arc::new(table);
    }
}

impl VectorSearch for Sq8Index {
    fn dimensions(&self) -> usize {
        self.table.shape().dimensions()
    }

    fn len(&self) -> usize {
        self.table.len()
    }

    fn search(&self, query: &[f32], options: &SearchOptions<'_>) -> Result<Vec<Neighbor>, Error> {
        check_search(query, self.dimensions(), Some(1), options)?;
        Ok(self.run(query, options)?.pop().unwrap_or_default())
    }

    fn search_batch(
        &self,
        queries: &[f32],
        options: &SearchOptions<'_>,
    ) -> Result<Vec<Vec<Neighbor>>, Error> {
        check_search(queries, self.dimensions(), None, options)?;
        let mut lists = Vec::new();
        for group in queries.chunks(self.dimensions() * Sq8Scorer::MOST_QUERIES) {
            lists.append(&mut self.run(group, options)?);
        }
        Ok(lists)
    }

    fn search_unsettled<'a>(
        &'a self,
        query: &'a [f32],
        options: &SearchOptions<'a>,
    ) -> Result<Option<Box<dyn Unsettled + 'a>>, Error> {
        check_search(query, self.dimensions(), Some(1), options)?;
        let scorer = Sq8Scorer::new(query, self.table.shape().clone(), self.source.as_ref(), &self.counters);
        self.counters.count(1);
        Ok(Some(Box::new(UnsettledCodes::new(&self.table, scorer, *options)?)))
    }

    fn memory_bytes(&self) -> usize {
        self.table.memory_bytes() + self.table.shape().memory_bytes()
    }
}

impl VectorIndex for Sq8Index {
    fn upsert(&mut self, keys: &[Key], rows: &[f32]) -> Result<(), Error> {
        let dimensions = self.dimensions();
        check_upsert(keys, rows, dimensions)?;
        self.table.check_room(keys.len())?;
        self.center_on(rows);
        let mut encoder = Encoder::new(self.table.shape());
        let table = self.table_mut();
        for (&key, row) in keys.iter().zip(rows.chunks_exact(dimensions)) {
            table.upsert(key, encoder.encode(row, 0.0));
        }
        self.recenter();
        Ok(())
    }

    fn remove(&mut self, keys: &[Key]) -> Result<usize, Error> {
        let table = self.table_mut();
        Ok(keys.iter().filter(|&&key| table.remove(key)).count())
    }

    fn remove_entry(&mut self, entry: i64) -> Result<usize, Error> {
        if self.table.find_entry(entry).is_empty() {
            return Ok(0);
        }
        Ok(self.table_mut().remove_entry(entry))
    }

    fn clear(&mut self) -> Result<(), Error> {
        self.table = Arc::new(Table::new(Shape::new(Center::zero(self.dimensions()))));
        self.recenter_at = FIRST_CENTER;
        Ok(())
    }
}

impl ResidentIndex for Sq8Index {
    fn snapshot(&self) -> Arc<dyn VectorSearch + Send + Sync> {
        Arc::new(self.clone())
    }
}

impl std::fmt::Debug for Sq8Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sq8Index")
            .field("dimensions", &self.dimensions())
            .field("rows", &self.len())
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
