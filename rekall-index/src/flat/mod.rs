//! Exact search by brute force over `f32` rows in memory.

mod rows;
mod scorer;

use std::sync::Arc;

use crate::batch::Batch;
use crate::check::{check_dimensions, check_search, check_upsert};
use crate::scan;
use crate::table::Table;
use crate::unsettled::Settled;
use crate::{
    Error, Key, Neighbor, ResidentIndex, SearchOptions, Unsettled, VectorIndex, VectorSearch, VectorSource,
};
use rows::F32Rows;
use scorer::FlatScorer;

/// Exact brute force over `f32` rows in memory (what FAISS calls `IndexFlat`).
///
/// # Algorithm
/// A scan computes fast `f32` dot products in memory order; rows that could belong to the result by a proven error bound
/// are rescored in `f64`, see [`VectorSearch`] for the exact result promised. (The bound: Higham, *Accuracy and Stability of
/// Numerical Algorithms*, 2nd ed., eq. 3.5.) A query alone runs at about the speed the
/// matrix can be read from memory; a batch reads each block of rows once for all its queries. A filter that admits few
/// entries is looked up instead of scanned.
///
/// # Costs
/// - Memory: 4 × dimensions + 20 bytes a row. Rows live in blocks of up to 256 KiB; removal gives blocks back. From some
///   MiB on blocks lie in slabs of 4 MiB, for which Linux is asked for huge pages: a scan is up to twice as fast on them.
/// - Search: O(rows × dimensions). About 1 ms for 10,000 and 10 ms for 100,000 rows of 384 dimensions on one core.
/// - [`upsert`](VectorIndex::upsert) and removal: O(dimensions + log rows) a row, whatever the size. The first change after
///   a [`snapshot`](ResidentIndex::snapshot) also copies two lists of pointers and the block touched (together below
///   0.2 ms at 100,000 rows).
/// - Snapshot: constant.
///
/// # Threads
/// Searches run on the caller's thread; with [`SearchOptions::with_threads`] they may start more for the time of the call,
/// and do so above about 3 MiB of rows (times queries) for each thread.
///
/// # Examples
/// ```
/// use rekall_index::{FlatIndex, Key, SearchOptions, VectorIndex, VectorSearch};
/// let mut index = FlatIndex::new(2)?;
/// index.upsert(&[Key::new(1, 0, 0), Key::new(2, 0, 0)], &[1.0, 0.0, 0.6, 0.8])?;
/// let hits = index.search(&[0.0, 1.0], &SearchOptions::new(1))?;
/// assert_eq!((hits[0].key.entry, hits[0].similarity), (2, 0.8));
/// # Ok::<(), rekall_index::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct FlatIndex {
    table: Arc<Table<F32Rows>>,
}

impl FlatIndex {
    /// An empty index of vectors with `dimensions` components.
    ///
    /// # Errors
    /// [`Error::InvalidDimensions`] for 0 or more than [`MAX_DIMENSIONS`](crate::MAX_DIMENSIONS).
    pub fn new(dimensions: usize) -> Result<Self, Error> {
        check_dimensions(dimensions)?;
        Ok(Self { table: Arc::new(Table::new(dimensions)) })
    }

    /// The row of a key.
    ///
    /// ```
    /// use rekall_index::{FlatIndex, Key, VectorIndex};
    /// let mut index = FlatIndex::new(2)?;
    /// index.upsert(&[Key::new(1, 0, 0)], &[0.6, 0.8])?;
    /// assert_eq!(index.row(Key::new(1, 0, 0)), Some(&[0.6, 0.8][..]));
    /// assert_eq!(index.row(Key::new(2, 0, 0)), None);
    /// # Ok::<(), rekall_index::Error>(())
    /// ```
    #[must_use]
    pub fn row(&self, key: Key) -> Option<&[f32]> {
        let (block, row) = self.table.at(self.table.find(key)?);
        Some(block.row(self.table.shape(), row))
    }

    fn table_mut(&mut self) -> &mut Table<F32Rows> {
        Arc::make_mut(&mut self.table)
    }
}

impl VectorSearch for FlatIndex {
    fn dimensions(&self) -> usize {
        *self.table.shape()
    }

    fn len(&self) -> usize {
        self.table.len()
    }

    fn search(&self, query: &[f32], options: &SearchOptions<'_>) -> Result<Vec<Neighbor>, Error> {
        check_search(query, self.dimensions(), Some(1), options)?;
        let scorer = FlatScorer::new(query, self.dimensions());
        Ok(scan::search(&self.table, &scorer, options)?.pop().unwrap_or_default())
    }

    fn search_batch(
        &self,
        queries: &[f32],
        options: &SearchOptions<'_>,
    ) -> Result<Vec<Vec<Neighbor>>, Error> {
        check_search(queries, self.dimensions(), None, options)?;
        let mut lists = Vec::new();
        for group in queries.chunks(self.dimensions() * Batch::MOST_QUERIES) {
            let scorer = FlatScorer::new(group, self.dimensions());
            lists.append(&mut scan::search(&self.table, &scorer, options)?);
        }
        Ok(lists)
    }

    fn search_unsettled<'a>(
        &'a self,
        query: &'a [f32],
        options: &SearchOptions<'a>,
    ) -> Result<Option<Box<dyn Unsettled + 'a>>, Error> {
        Ok(Some(Box::new(Settled(self.search(query, options)?))))
    }

    fn memory_bytes(&self) -> usize {
        self.table.memory_bytes()
    }
}

impl VectorIndex for FlatIndex {
    fn upsert(&mut self, keys: &[Key], rows: &[f32]) -> Result<(), Error> {
        let dimensions = self.dimensions();
        check_upsert(keys, rows, dimensions)?;
        self.table.check_room(keys.len())?;
        let table = self.table_mut();
        for (&key, row) in keys.iter().zip(rows.chunks_exact(dimensions)) {
            table.upsert(key, row);
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
        self.table = Arc::new(Table::new(self.dimensions()));
        Ok(())
    }
}

impl ResidentIndex for FlatIndex {
    fn snapshot(&self) -> Arc<dyn VectorSearch + Send + Sync> {
        Arc::new(self.clone())
    }
}

/// A flat index can serve as the exact rows of one that holds codes.
impl VectorSource for FlatIndex {
    fn rows(&self, keys: &[Key], out: &mut Vec<f32>) -> Result<(), Error> {
        for &key in keys {
            out.extend_from_slice(self.row(key).ok_or(Error::MissingRow { key })?);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::FlatIndex;

    crate::conformance!(contract, |dimensions| FlatIndex::new(dimensions).unwrap());
    crate::resident_conformance!(views, |dimensions| FlatIndex::new(dimensions).unwrap());
    crate::conformance!(reference, crate::testing::NaiveIndex::new);

    #[test]
    fn a_changed_index_searches_and_weighs_as_a_fresh_one() {
        use crate::testing::{Random, unit_rows};
        use crate::{Key, SearchOptions, VectorIndex, VectorSearch};
        // Enough rows for slabs, and snapshots held over the changes.
        let (rows, dimensions) = (6000, 256);
        let mut random = Random::new(45);
        let data = unit_rows(&mut random, rows as usize, dimensions);
        let keys: Vec<Key> = (0..rows).map(|entry| Key::new(entry, 0, 0)).collect();
        let mut worn = FlatIndex::new(dimensions).unwrap();
        worn.upsert(&keys, &data).unwrap();
        let fresh = worn.clone();
        let mut views = Vec::new();
        for round in 0..3000 {
            let entry = random.below(rows as u64) as usize;
            let row = &data[entry * dimensions..][..dimensions];
            worn.remove_entry(entry as i64).unwrap();
            if round % 500 == 0 {
                views.push(worn.clone());
            }
            worn.upsert(&[keys[entry]], row).unwrap();
        }
        drop(views);
        let query = random.unit(dimensions);
        let due = fresh.search(&query, &SearchOptions::new(50)).unwrap();
        let got = worn.search(&query, &SearchOptions::new(50)).unwrap();
        assert_eq!(got, due);
        let (worn, fresh) = (worn.memory_bytes(), fresh.memory_bytes());
        assert!(worn.abs_diff(fresh) * 50 < fresh, "{worn} bytes, {fresh} fresh");
    }
}
