//! Exact search over exported codes that stay where they are.

use std::sync::Arc;

use super::codes::{Codes, Shape};
use super::scorer::Sq8Scorer;
use super::stored_block::StoredBlock;
use super::{Counters, Sq8Stats};
use crate::check::{check_dimensions, check_search};
use crate::scan::{self, BlockScan};
use crate::shortlist::Shortlist;
use crate::table::{Pool, Table};
use crate::{Error, Neighbor, SearchOptions, VectorSearch, VectorSource};

/// Where exported blocks lie.
///
/// # What an implementer must do
/// Hand every block of one export (see [`Sq8Index::export`](crate::Sq8Index::export)) to `visit`, in any order, and stop at its
/// first error; answer [`Error::Corrupt`] if one of them is missing, which no search can notice. The bytes are needed only
/// during the call.
pub trait BlockSource {
    /// Visits every block.
    ///
    /// # Errors
    /// What `visit` says; [`Error::Source`] for failures of its own.
    fn blocks(&self, visit: &mut dyn FnMut(&[u8]) -> Result<(), Error>) -> Result<(), Error>;
}

impl BlockSource for Vec<Vec<u8>> {
    fn blocks(&self, visit: &mut dyn FnMut(&[u8]) -> Result<(), Error>) -> Result<(), Error> {
        self.iter().try_for_each(|block| visit(block))
    }
}

impl<B: BlockSource + ?Sized> BlockSource for Arc<B> {
    fn blocks(&self, visit: &mut dyn FnMut(&[u8]) -> Result<(), Error>) -> Result<(), Error> {
        (**self).blocks(visit)
    }
}

/// Exact search over the exported codes of an [`Sq8Index`](crate::Sq8Index), read for each search: for when not even codes
/// fit the memory budget.
///
/// Finds what the index would have found at the moment of the export. The host leaves out entries that changed since
/// ([`SearchOptions::exclude`]), searches those in a small index of their own, and merges the two lists by
/// [`Neighbor::rank_cmp`].
///
/// # Costs
/// - Memory: one block (about 300 KiB) during a search; nothing between.
/// - Search: reads all blocks and checks their checksums; a batch does so once for up to 64 queries. Runs on the caller's
///   thread, whatever [`SearchOptions::threads`] says.
///
/// ```
/// use std::sync::Arc;
/// use rekall_index::{FlatIndex, Key, SearchOptions, Sq8Index, Sq8Stream, VectorIndex, VectorSearch};
/// let mut rows = FlatIndex::new(2)?;
/// rows.upsert(&[Key::new(1, 0, 0), Key::new(2, 0, 0)], &[1.0, 0.0, 0.6, 0.8])?;
/// let rows = Arc::new(rows);
/// let mut index = Sq8Index::new(2, rows.clone())?;
/// index.upsert(&[Key::new(1, 0, 0), Key::new(2, 0, 0)], &[1.0, 0.0, 0.6, 0.8])?;
/// // Blocks in memory; a store would read them from its file, see [`BlockSource`].
/// let blocks: Vec<Vec<u8>> = index.export().collect();
/// let stream = Sq8Stream::new(2, 2, blocks, rows)?;
/// assert_eq!(stream.search(&[0.0, 1.0], &SearchOptions::new(1))?[0].key.entry, 2);
/// assert_eq!(stream.stats().queries, 1);
/// # Ok::<(), rekall_index::Error>(())
/// ```
#[derive(Debug)]
pub struct Sq8Stream<B, S> {
    dimensions: usize,
    rows: usize,
    blocks: B,
    source: S,
    counters: Arc<Counters>,
}

impl<B: BlockSource, S: VectorSource + Send + Sync> Sq8Stream<B, S> {
    /// A search over `blocks`, which hold `rows` rows, with exact rows from `source`.
    ///
    /// # Errors
    /// [`Error::InvalidDimensions`].
    pub fn new(dimensions: usize, rows: usize, blocks: B, source: S) -> Result<Self, Error> {
        check_dimensions(dimensions)?;
        Ok(Self { dimensions, rows, blocks, source, counters: Arc::default() })
    }

    /// What searches did so far.
    #[must_use]
    pub fn stats(&self) -> Sq8Stats {
        self.counters.stats()
    }

    fn run(&self, queries: &[f32], options: &SearchOptions<'_>) -> Result<Vec<Vec<Neighbor>>, Error> {
        let count = queries.len() / self.dimensions;
        let mut shortlists: Vec<Shortlist> = (0..count).map(|_| Shortlist::new(options)).collect();
        let mut prepared: Option<Prepared<'_>> = None;
        let pool = Pool::of_no_slots();
        self.blocks.blocks(&mut |bytes| {
            options.check_cancelled()?;
            let block = StoredBlock::parse(bytes, self.dimensions)?;
            // The queries are encoded around the center, which all blocks of an export share.
            if prepared.as_ref().is_none_or(|prepared| prepared.shape().center() != &block.center) {
                let table = Table::<Codes>::new(Shape::new(block.center.clone()));
                let scorer = Sq8Scorer::new(queries, table.shape().clone(), &self.source, &self.counters);
                prepared = Some(Prepared { table, scorer });
            }
            let Some(Prepared { table, scorer }) = &prepared else { return Ok(()) };
            let block = block.read(table.shape(), &pool);
            // A candidate is known by its key; where its row lay is forgotten with the block.
            BlockScan::new(table, scorer, options, &shortlists).scan(&block, 0, &mut shortlists)
        })?;
        // Without a block there was nothing to search.
        let Some(Prepared { table, scorer }) = &prepared else { return Ok(vec![Vec::new(); count]) };
        self.counters.count(count);
        scan::finish(table, scorer, options, shortlists)
    }
}

/// Queries encoded for a center, and a table without rows of that shape.
struct Prepared<'a> {
    table: Table<Codes>,
    scorer: Sq8Scorer<'a>,
}

impl Prepared<'_> {
    fn shape(&self) -> &Shape {
        self.table.shape()
    }
}

impl<B: BlockSource, S: VectorSource + Send + Sync> VectorSearch for Sq8Stream<B, S> {
    fn dimensions(&self) -> usize {
        self.dimensions
    }

    fn len(&self) -> usize {
        self.rows
    }

    fn search(&self, query: &[f32], options: &SearchOptions<'_>) -> Result<Vec<Neighbor>, Error> {
        check_search(query, self.dimensions, Some(1), options)?;
        Ok(self.run(query, options)?.pop().unwrap_or_default())
    }

    fn search_batch(
        &self,
        queries: &[f32],
        options: &SearchOptions<'_>,
    ) -> Result<Vec<Vec<Neighbor>>, Error> {
        check_search(queries, self.dimensions, None, options)?;
        let mut lists = Vec::new();
        for group in queries.chunks(self.dimensions * Sq8Scorer::MOST_QUERIES) {
            lists.append(&mut self.run(group, options)?);
        }
        Ok(lists)
    }

    fn memory_bytes(&self) -> usize {
        0
    }
}
