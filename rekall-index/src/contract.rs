//! The contract of every index: two traits, and a third for what lives in memory.

use std::sync::Arc;

use crate::{Error, Key, Neighbor, SearchOptions, Unsettled};

/// Searching: nearest entries by dot product of unit vectors.
///
/// # What a caller may rely on
/// - **The result is a definition, not an effort.** Each row's similarity is [`similarity`](crate::similarity()): the dot
///   product in `f64` in a fixed order, rounded to `f32`. The rows the options admit are grouped by entry; an entry is
///   represented by its best row; the `k` best of these come back, so exactly `min(k, matching entries)` distinct entries,
///   ordered by similarity descending, then entry ascending (within an entry the lower role, then chunk, wins a tie).
///   An index that gives up any of this (an approximate one) says so at the top of its documentation.
/// - The same bits come back whatever the number of threads, the machine, the order of insertion, and whether one asks
///   alone or in a batch.
/// - `k` above the number of entries is fine and returns them all; an empty index returns nothing.
/// - With [`ties`](SearchOptions::with_ties), every further entry whose similarity equals that of the last one comes back, too.
/// - Filters apply before the best are chosen, so they never shorten a result.
/// - After the cancel flag is set, the search returns [`Error::Cancelled`] within about a millisecond of work.
///
/// # What an implementer must do
/// - Check the input before anything else, in this order: `k` ([`Error::InvalidK`]), length ([`Error::Dimensions`]),
///   finite ([`Error::NotFinite`]), unit norm within [`UNIT_TOLERANCE`](crate::UNIT_TOLERANCE) ([`Error::NotUnit`]), also on
///   an empty index. [`check_vectors`](crate::check_vectors) does the last three.
/// - Search with fast arithmetic if you like, but rescore with [`similarity`](crate::similarity()) every row that could belong
///   to the result by a proven bound.
/// - Start no thread beyond `options.threads - 1`, and none that outlives the call.
/// - Run `conformance!` (feature `testing`) on it. `examples/own_backend.rs` is a whole backend to imitate.
pub trait VectorSearch {
    /// The number of components of each vector, 1 or more. Never changes.
    fn dimensions(&self) -> usize;

    /// How many rows there are.
    fn len(&self) -> usize;

    /// Whether there is no row.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The `options.k` entries nearest to `query` (`dimensions` numbers, unit length), best first. O(rows × dimensions).
    ///
    /// # Errors
    /// The input errors above; [`Error::Cancelled`]; [`Error::Source`] and [`Error::MissingRow`] from an index
    /// that reads exact rows elsewhere.
    fn search(&self, query: &[f32], options: &SearchOptions<'_>) -> Result<Vec<Neighbor>, Error>;

    /// Searches for several queries at once; `queries` holds them one after the other (n × `dimensions` numbers). Each of
    /// the n lists is what [`search`](Self::search) gives; only the time differs.
    ///
    /// ```
    /// use rekall_index::{FlatIndex, Key, SearchOptions, VectorIndex, VectorSearch};
    /// let mut index = FlatIndex::new(2)?;
    /// index.upsert(&[Key::new(1, 0, 0), Key::new(2, 0, 0)], &[1.0, 0.0, 0.6, 0.8])?;
    /// let lists = index.search_batch(&[1.0, 0.0, 0.0, 1.0], &SearchOptions::new(1))?;
    /// let nearest: Vec<i64> = lists.iter().map(|found| found[0].key.entry).collect();
    /// assert_eq!(nearest, [1, 2]);
    /// # Ok::<(), rekall_index::Error>(())
    /// ```
    ///
    /// # Errors
    /// As `search`; one bad query fails the batch. A length that is no multiple of `dimensions` is
    /// [`Error::Dimensions`].
    fn search_batch(
        &self,
        queries: &[f32],
        options: &SearchOptions<'_>,
    ) -> Result<Vec<Vec<Neighbor>>, Error> {
        let dimensions = self.dimensions();
        crate::check::check_search(queries, dimensions, None, options)?;
        queries.chunks_exact(dimensions).map(|query| self.search(query, options)).collect()
    }

    /// Searches as far as that goes without exact rows from elsewhere. A caller to whom each request for rows is a round trip asks for
    /// them together with what else it needs, and settles the search by them. `None`, which is the default: the index reads its rows
    /// itself, by [`search`](Self::search). One that implements this may do so, too, where thousands of rows are too near to each other to be
    /// told apart by bounds.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use rekall_index::{FlatIndex, Key, SearchOptions, Sq8Index, VectorIndex, VectorSearch};
    /// let (keys, rows) = ([Key::new(1, 0, 0), Key::new(2, 0, 0)], [1.0, 0.0, 0.6, 0.8]);
    /// let mut exact = FlatIndex::new(2)?;
    /// exact.upsert(&keys, &rows)?;
    /// let exact = Arc::new(exact);
    /// let mut index = Sq8Index::new(2, exact.clone())?;
    /// index.upsert(&keys, &rows)?;
    ///
    /// let unsettled = index.search_unsettled(&[0.0, 1.0], &SearchOptions::new(1))?.expect("Sq8Index implements it");
    /// assert!(unsettled.open_rows().contains(&keys[1]));
    /// // A store would be asked for these rows, and for what they stand for.
    /// assert_eq!(unsettled.settle(&exact)?, index.search(&[0.0, 1.0], &SearchOptions::new(1))?);
    /// # Ok::<(), rekall_index::Error>(())
    /// ```
    ///
    /// # Errors
    /// As `search`.
    fn search_unsettled<'a>(
        &'a self,
        _query: &'a [f32],
        _options: &SearchOptions<'a>,
    ) -> Result<Option<Box<dyn Unsettled + 'a>>, Error> {
        Ok(None)
    }

    /// The bytes this index holds in memory (its heap, by its own count: no allocator overhead). What is shared with
    /// snapshots counts in each.
    fn memory_bytes(&self) -> usize;
}

/// Changing an index. A [`Key`] names at most one row.
///
/// # What a caller may rely on
/// - A call that fails has changed nothing.
/// - The order of changes never shows in a result: an index after any history answers as a fresh one with the same rows.
/// - When one call names a key twice, the last row wins.
/// - Removing what is not there is no error; the count returned is of rows that were there.
///
/// # What an implementer must do
/// - Validate everything before the first change: length ([`Error::Dimensions`], `expected` = keys × dimensions), roles
///   ([`Error::InvalidRole`]), finite and unit rows.
/// - Give memory back when rows go.
///
/// ```
/// use rekall_index::{FlatIndex, Key, VectorIndex, VectorSearch};
/// let mut index = FlatIndex::new(2)?;
/// index.upsert(&[Key::new(1, 0, 0), Key::new(1, 0, 1), Key::new(2, 0, 0)], &[1.0, 0.0, 0.6, 0.8, 0.0, 1.0])?;
/// assert_eq!(index.remove(&[Key::new(1, 0, 1), Key::new(9, 0, 0)])?, 1);
/// assert_eq!(index.remove_entry(2)?, 1);
/// assert_eq!(index.len(), 1);
/// index.clear()?;
/// assert!(index.is_empty());
/// # Ok::<(), rekall_index::Error>(())
/// ```
pub trait VectorIndex: VectorSearch {
    /// Inserts rows, or replaces those whose key is there: row i of `rows` (`dimensions` numbers each) under key i.
    ///
    /// # Errors
    /// [`Error::Dimensions`], [`Error::InvalidRole`], [`Error::NotFinite`], [`Error::NotUnit`], [`Error::TooManyRows`],
    /// or what a store below says.
    fn upsert(&mut self, keys: &[Key], rows: &[f32]) -> Result<(), Error>;

    /// Removes rows, and says how many were there. A role out of range names no row.
    ///
    /// # Errors
    /// What a store below says.
    fn remove(&mut self, keys: &[Key]) -> Result<usize, Error>;

    /// Removes every row of an entry, whatever role and chunk, and says how many there were.
    ///
    /// # Errors
    /// What a store below says.
    fn remove_entry(&mut self, entry: i64) -> Result<usize, Error>;

    /// Removes everything.
    ///
    /// # Errors
    /// What a store below says.
    fn clear(&mut self) -> Result<(), Error>;
}

/// An index in memory, that can hand out immutable views of itself.
///
/// A host keeps the index behind a lock for writers and swaps the latest view atomically for readers, who then never wait.
///
/// # What a caller may rely on
/// - A view answers for ever as the index did at that moment, whatever happens to the index after.
/// - Taking a view costs no copy of rows; a change after it copies only what the view shares and the change touches.
///
/// ```
/// use rekall_index::{FlatIndex, Key, ResidentIndex, VectorIndex, VectorSearch};
/// let mut index = FlatIndex::new(2)?;
/// index.upsert(&[Key::new(1, 0, 0)], &[1.0, 0.0])?;
/// let view = index.snapshot();
/// index.clear()?;
/// assert_eq!((view.len(), index.len()), (1, 0));
/// # Ok::<(), rekall_index::Error>(())
/// ```
pub trait ResidentIndex: VectorIndex + Send + Sync {
    /// An immutable view of the index as it is now.
    fn snapshot(&self) -> Arc<dyn VectorSearch + Send + Sync>;
}

/// Where an index that holds only codes gets its exact rows.
///
/// # What an implementer must do
/// - Append to `out`, for each key in order, its `dimensions` numbers; exactly the numbers last given to the index under
///   that key.
/// - Answer [`Error::MissingRow`] for a key it does not have, and wrap its own errors in [`Error::Source`].
/// - Expect calls from any thread that searches; keys come without duplicates, in the order the search happens to meet them.
///
/// ```
/// use std::collections::HashMap;
/// use rekall_index::{Error, Key, VectorSource};
///
/// /// Rows in a map; a store would read them from its file.
/// struct Rows(HashMap<Key, Vec<f32>>);
///
/// impl VectorSource for Rows {
///     fn rows(&self, keys: &[Key], out: &mut Vec<f32>) -> Result<(), Error> {
///         for &key in keys {
///             out.extend(self.0.get(&key).ok_or(Error::MissingRow { key })?);
///         }
///         Ok(())
///     }
/// }
///
/// let rows = Rows([(Key::new(1, 0, 0), vec![0.6, 0.8])].into());
/// let mut out = Vec::new();
/// rows.rows(&[Key::new(1, 0, 0)], &mut out)?;
/// assert_eq!(out, [0.6, 0.8]);
/// assert!(rows.rows(&[Key::new(2, 0, 0)], &mut out).is_err());
/// # Ok::<(), rekall_index::Error>(())
/// ```
pub trait VectorSource {
    /// Appends the rows of `keys` to `out`.
    ///
    /// # Errors
    /// [`Error::MissingRow`], [`Error::Source`].
    fn rows(&self, keys: &[Key], out: &mut Vec<f32>) -> Result<(), Error>;
}

macro_rules! forward_search {
    () => {
        fn dimensions(&self) -> usize {
            (**self).dimensions()
        }
        fn len(&self) -> usize {
            (**self).len()
        }
        fn search(&self, query: &[f32], options: &SearchOptions<'_>) -> Result<Vec<Neighbor>, Error> {
            (**self).search(query, options)
        }
        fn search_batch(
            &self,
            queries: &[f32],
            options: &SearchOptions<'_>,
        ) -> Result<Vec<Vec<Neighbor>>, Error> {
            (**self).search_batch(queries, options)
        }
        fn search_unsettled<'a>(
            &'a self,
            query: &'a [f32],
            options: &SearchOptions<'a>,
        ) -> Result<Option<Box<dyn Unsettled + 'a>>, Error> {
            (**self).search_unsettled(query, options)
        }
        fn memory_bytes(&self) -> usize {
            (**self).memory_bytes()
        }
    };
}

impl<T: VectorSearch + ?Sized> VectorSearch for Box<T> {
    forward_search!();
}

impl<T: VectorSearch + ?Sized> VectorSearch for Arc<T> {
    forward_search!();
}

impl<T: VectorIndex + ?Sized> VectorIndex for Box<T> {
    fn upsert(&mut self, keys: &[Key], rows: &[f32]) -> Result<(), Error> {
        (**self).upsert(keys, rows)
    }
    fn remove(&mut self, keys: &[Key]) -> Result<usize, Error> {
        (**self).remove(keys)
    }
    fn remove_entry(&mut self, entry: i64) -> Result<usize, Error> {
        (**self).remove_entry(entry)
    }
    fn clear(&mut self) -> Result<(), Error> {
        (**self).clear()
    }
}

impl<T: ResidentIndex + ?Sized> ResidentIndex for Box<T> {
    fn snapshot(&self) -> Arc<dyn VectorSearch + Send + Sync> {
        (**self).snapshot()
    }
}

impl<T: VectorSource + ?Sized> VectorSource for Arc<T> {
    fn rows(&self, keys: &[Key], out: &mut Vec<f32>) -> Result<(), Error> {
        (**self).rows(keys, out)
    }
}
