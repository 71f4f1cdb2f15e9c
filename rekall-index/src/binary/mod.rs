//! Approximate search over sign bits in memory and exact rows elsewhere.

mod bits;
mod scorer;

use std::sync::Arc;

use crate::center::Center;
use crate::check::{check_dimensions, check_search, check_upsert};
use crate::scan;
use crate::table::Table;
use crate::{
    EntrySet, Error, Key, Neighbor, ResidentIndex, SearchOptions, VectorIndex, VectorSearch, VectorSource,
    similarity,
};
use bits::{BitRows, Shape};
use scorer::BinaryScorer;

/// **Approximate** search over one bit per component, rescored exactly: for when memory or time matter more than the last
/// half per cent of the result.
///
/// # What it gives up
/// A search ranks rows by Hamming distance of their bits to the query's, reads the best R of them from a [`VectorSource`] and
/// returns the best k of those by exact similarity. A row that is near but whose bits are not among the best R is
/// missed. How often depends on the data: with 50,000 sentence vectors (MiniLM, 384 dimensions) and k = 10, recall@k was
/// .963 at R = 100, .995 at 500 and .9985 at 1000; on vectors without structure it is far worse. Measure on your own
/// data against an exact index before relying on it.
///
/// All else that [`VectorSearch`] promises holds: similarities are exact, order and ties as promised, filters apply before
/// the choice, `min(k, matching entries)` entries come back, and the same ones on every machine and thread count. With R at
/// or above the number of rows the result is exact.
///
/// # Costs
/// - Memory: dimensions / 8 + 20 bytes a row: 7 MB for 100,000 rows of 384 dimensions.
/// - Search: O(rows × dimensions / 64) for the bits (about 0.3 ms at 100,000 × 384), and R exact rows from the source,
///   which as a rule costs more. So for R rows out of a database, [`Sq8Index`](crate::Sq8Index), exact and with a few
///   dozen rows to read, is often faster.
///
/// # The center
/// Bits are signs of the difference from a center: the one given by [`with_center_of`](Self::with_center_of), else the mean
/// of the first call that brings at least 256 rows into an empty index. Rows that came before one are encoded around zero,
/// and stay so until [`clear`](VectorIndex::clear). Load an index in bulk.
///
/// # Examples
/// ```
/// use std::sync::Arc;
/// use rekall_index::{BinaryIndex, FlatIndex, Key, SearchOptions, VectorIndex, VectorSearch};
/// let mut rows = FlatIndex::new(2)?;
/// rows.upsert(&[Key::new(1, 0, 0), Key::new(2, 0, 0)], &[1.0, 0.0, 0.6, 0.8])?;
/// let mut index = BinaryIndex::new(2, Arc::new(rows))?.with_rescored_rows(500);
/// index.upsert(&[Key::new(1, 0, 0), Key::new(2, 0, 0)], &[1.0, 0.0, 0.6, 0.8])?;
/// let hits = index.search(&[0.0, 1.0], &SearchOptions::new(1))?;
/// assert_eq!(hits[0].key.entry, 2);
/// # Ok::<(), rekall_index::Error>(())
/// ```
#[derive(Clone)]
pub struct BinaryIndex {
    table: Arc<Table<BitRows>>,
    source: Arc<dyn VectorSource + Send + Sync>,
    rescored_rows: usize,
    /// Whether the center was given.
    pinned: bool,
}

/// Fewer rows than this have no mean worth the name.
const FIRST_CENTER: usize = 256;

impl BinaryIndex {
    /// The default R.
    pub const RESCORED_ROWS: usize = 1000;

    /// An empty index whose exact rows come from `source`.
    ///
    /// # Errors
    /// [`Error::InvalidDimensions`] for 0 or more than [`MAX_DIMENSIONS`](crate::MAX_DIMENSIONS).
    pub fn new(dimensions: usize, source: Arc<dyn VectorSource + Send + Sync>) -> Result<Self, Error> {
        check_dimensions(dimensions)?;
        let table = Arc::new(Table::new(Shape::new(Center::zero(dimensions))));
        Ok(Self { table, source, rescored_rows: Self::RESCORED_ROWS, pinned: false })
    }

    /// Rescores `rows` rows of each query (R), or 4 k if that is more. Default: [`RESCORED_ROWS`](Self::RESCORED_ROWS).
    #[must_use]
    pub fn with_rescored_rows(mut self, rows: usize) -> Self {
        self.rescored_rows = rows;
        self
    }

    /// Encodes all rows around the mean of `rows`, row-major: an even sample of what will be in the index, some hundred rows
    /// or more, makes results independent of the order in which the rows come. Fewer rows are taken for none.
    /// Empties the index.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use rekall_index::{BinaryIndex, FlatIndex, VectorSearch};
    /// // Some hundred rows out of those to come; here of two kinds.
    /// let sample: Vec<f32> = (0..300).flat_map(|n| if n % 2 == 0 { [1.0, 0.0] } else { [0.6, 0.8] }).collect();
    /// let index = BinaryIndex::new(2, Arc::new(FlatIndex::new(2)?))?.with_center_of(&sample)?;
    /// assert!(index.is_empty());
    /// # Ok::<(), rekall_index::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Dimensions`] when `rows` are not whole rows.
    pub fn with_center_of(mut self, rows: &[f32]) -> Result<Self, Error> {
        let dimensions = self.dimensions();
        if !rows.len().is_multiple_of(dimensions) {
            let expected = rows.len().next_multiple_of(dimensions);
            return Err(Error::Dimensions { expected, got: rows.len() });
        }
        self.pinned = rows.len() >= FIRST_CENTER * dimensions;
        let center = match self.pinned {
            true => Center::mean(dimensions, rows.chunks_exact(dimensions)),
            false => Center::zero(dimensions),
        };
        self.table = Arc::new(Table::new(Shape::new(center)));
        Ok(self)
    }

    /// Takes exact rows from another source from now on; snapshots taken before keep theirs.
    pub fn set_source(&mut self, source: Arc<dyn VectorSource + Send + Sync>) {
        self.source = source;
    }

    fn table_mut(&mut self) -> &mut Table<BitRows> {
        Arc::make_mut(&mut self.table)
    }

    fn search_checked(&self, query: &[f32], options: &SearchOptions<'_>) -> Result<Vec<Neighbor>, Error> {
        let rows = self.rescored_rows.max(options.k.saturating_mul(4));
        let near = |grouped, k| {
            let options = SearchOptions { k, ties: false, ..*options };
            scan::search(&self.table, &BinaryScorer::new(query, self.table.shape(), grouped), &options)
        };
        let mut keys: Vec<Key> = near(false, rows)?.iter().flatten().map(|row| row.key).collect();
        let entries: EntrySet = keys.iter().map(|key| key.entry).collect();
        if entries.len() < options.k as u64 && keys.len() == rows {
            // Few entries hold all these rows: look for k entries too.
            keys.extend(near(true, options.k)?.iter().flatten().map(|row| row.key));
            keys.sort_unstable();
            keys.dedup();
        }
        self.rescore(query, &keys, options)
    }

    /// The best k entries of some rows, exactly.
    fn rescore(
        &self,
        query: &[f32],
        keys: &[Key],
        options: &SearchOptions<'_>,
    ) -> Result<Vec<Neighbor>, Error> {
        let dimensions = self.dimensions();
        let (mut hits, mut rows) = (Vec::with_capacity(keys.len()), Vec::new());
        for keys in keys.chunks(scan::EXACT_PAGE) {
            options.check_cancelled()?;
            rows.clear();
            self.source.rows(keys, &mut rows)?;
            let expected = keys.len() * dimensions;
            if rows.len() != expected {
                return Err(Error::from_source(format!("expected {expected} numbers, got {}", rows.len())));
            }
            let exact = keys.iter().zip(rows.chunks_exact(dimensions));
            hits.extend(exact.map(|(&key, row)| Neighbor { key, similarity: similarity(query, row) }));
        }
        hits.sort_unstable_by(|a, b| a.key.entry.cmp(&b.key.entry).then_with(|| a.rank_cmp(b)));
        hits.dedup_by_key(|hit| hit.key.entry);
        hits.sort_unstable_by(Neighbor::rank_cmp);
        options.truncate(&mut hits);
        Ok(hits)
    }
}

impl VectorSearch for BinaryIndex {
    fn dimensions(&self) -> usize {
        self.table.shape().dimensions()
    }

    fn len(&self) -> usize {
        self.table.len()
    }

    fn search(&self, query: &[f32], options: &SearchOptions<'_>) -> Result<Vec<Neighbor>, Error> {
        check_search(query, self.dimensions(), Some(1), options)?;
        self.search_checked(query, options)
    }

    fn memory_bytes(&self) -> usize {
        self.table.memory_bytes() + self.table.shape().memory_bytes()
    }
}

impl VectorIndex for BinaryIndex {
    fn upsert(&mut self, keys: &[Key], rows: &[f32]) -> Result<(), Error> {
        let dimensions = self.dimensions();
        check_upsert(keys, rows, dimensions)?;
        self.table.check_room(keys.len())?;
        if !self.pinned && self.is_empty() && keys.len() >= FIRST_CENTER {
            let center = Center::mean(dimensions, rows.chunks_exact(dimensions));
            self.table = Arc::new(Table::new(Shape::new(center)));
        }
        let table = self.table_mut();
        let shape = table.shape().clone();
        let mut bits = Vec::new();
        for (&key, row) in keys.iter().zip(rows.chunks_exact(dimensions)) {
            shape.encode(row, &mut bits);
            table.upsert(key, &bits);
        }
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
        Ok(())
    }
}

impl ResidentIndex for BinaryIndex {
    fn snapshot(&self) -> Arc<dyn VectorSearch + Send + Sync> {
        Arc::new(self.clone())
    }
}

impl std::fmt::Debug for BinaryIndex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BinaryIndex")
            .field("dimensions", &self.dimensions())
            .field("rows", &self.len())
            .field("rescored_rows", &self.rescored_rows)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
