//! Searching by meaning before a view is begun: where each look at the store is a round trip, one look does for most searches.
//!
//! The index of the last view is scanned first. What that leaves to be known, exact rows and the entries of the hits, is asked for
//! together with the view of now. Where the change log has not moved since, the answer is that of a search over this view;
//! otherwise nothing of it is used.

use std::collections::HashMap;
use std::sync::Arc;

use rekall_core::store::HitRows;
use rekall_core::{Error as CoreError, ReadTx, Space, VectorBatch, VectorKey};
use rekall_index::{Error as IndexError, Key, Neighbor, VectorSearch, VectorSource};

use super::options::Mode;
use super::retrieve::{Admitted, SemanticRetriever, keep_nearest};
use super::search::{Prepared, Search};
use crate::Error;
use crate::vector_index::{IndexView, Snapshot, append_rows, index_keys, stored_key};

/// Exact rows that come with the view, at the most; more are read in it.
const MOST_ROWS: usize = 256;

/// Entries that come with the view at the most: so many for each hit that is wanted, and some more, and so many in all. What is not a
/// hit is read in vain.
const FOR_EACH_HIT: usize = 3;
const SOME_MORE: usize = 16;
const MOST_ENTRIES: usize = 256;

/// A view, and what was found in it.
pub(super) type LookedAhead<'s> = (Snapshot<'s>, Vec<Neighbor>);

impl<'a> Search<'a> {
    /// The entries nearest to the one query, and the view in which they are that; `None` where this cannot be told beforehand, or something
    /// has changed.
    pub(super) fn look_ahead(
        &self,
        queries: &[Prepared<'_>],
        space: Option<&Space>,
    ) -> Result<Option<LookedAhead<'a>>, Error> {
        let ([query], Some(space)) = (queries, space) else { return Ok(None) };
        let Some(vector) = query.vector.as_deref().filter(|_| query.mode != Mode::Text) else {
            return Ok(None);
        };
        let keeper = &self.rekall.vector_index;
        let view = keeper.likely_view().filter(|view| view.space.as_ref() == Some(space));
        let Some(view) = view else { return Ok(None) };
        let Some(admitted) = Admitted::by_view(&view, &self.options.filter, self.now_ms) else {
            return Ok(None);
        };
        let retriever = self.retriever(&admitted);
        match self.nearest_ahead(&view, space, &retriever, vector, query.mode) {
            // What is missing or damaged is the search's own affair, which knows what to do about it.
            Err(error @ (Error::Index(_) | Error::Core(CoreError::Corrupt { .. }))) => {
                tracing::debug!(%error, "a search begins anew");
                Ok(None)
            }
            found => found,
        }
    }

    fn nearest_ahead(
        &self,
        view: &Arc<IndexView>,
        space: &Space,
        retriever: &SemanticRetriever<'_>,
        vector: &[f32],
        mode: Mode,
    ) -> Result<Option<LookedAhead<'a>>, Error> {
        let Some(index) = &view.search else { return Ok(None) };
        let options = retriever.options(self.depth(mode));
        let Some(unsettled) = index.search_unsettled(vector, &options)? else { return Ok(None) };
        let stored = |keys: Vec<Key>| -> Vec<VectorKey> { keys.into_iter().map(stored_key).collect() };
        let (candidates, open) = (stored(unsettled.candidates()), stored(unsettled.open_rows()));
        let mut entries: Vec<i64> = candidates.iter().map(|key| key.entry).collect();
        entries.sort_unstable();
        entries.dedup();
        // In a hybrid search words have a say in what the hits are.
        let most = self.options.hits().saturating_mul(FOR_EACH_HIT).saturating_add(SOME_MORE);
        let are_hits = mode == Mode::Semantic && entries.len() <= most.min(MOST_ENTRIES);
        let wanted = HitRows {
            entries: if are_hits { &entries } else { &[] },
            space: Some(space),
            spans: if are_hits { &candidates } else { &[] },
            vectors_at: if open.len() <= MOST_ROWS { &open } else { &[] },
            ..HitRows::default()
        };
        let looked = self.rekall.vector_index.snapshot_with(view, &wanted, self.cancel)?;
        let Some((snapshot, rows)) = looked else { return Ok(None) };
        let mut nearest = unsettled.settle(&Rows::new(&rows, space, &*snapshot.tx))?;
        keep_nearest(&snapshot, &mut nearest, options.k)?;
        Ok(Some((snapshot, nearest)))
    }
}

/// Exact rows: those that came with a view, and others that are read in it.
struct Rows<'a> {
    came: HashMap<Key, &'a [f32]>,
    space: &'a Space,
    tx: &'a dyn ReadTx,
}

impl<'a> Rows<'a> {
    fn new(batch: &'a VectorBatch, space: &'a Space, tx: &'a dyn ReadTx) -> Self {
        let rows = batch.rows.chunks_exact(batch.dimensions.max(1));
        Self { came: index_keys(batch).into_iter().zip(rows).collect(), space, tx }
    }
}

impl VectorSource for Rows<'_> {
    fn rows(&self, keys: &[Key], out: &mut Vec<f32>) -> Result<(), IndexError> {
        if keys.iter().all(|key| self.came.contains_key(key)) {
            keys.iter().filter_map(|key| self.came.get(key)).for_each(|row| out.extend_from_slice(row));
            return Ok(());
        }
        let wanted: Vec<VectorKey> = keys.iter().copied().map(stored_key).collect();
        append_rows(&self.tx.vectors_at(self.space, &wanted).map_err(IndexError::from_source)?, out)
    }
}
