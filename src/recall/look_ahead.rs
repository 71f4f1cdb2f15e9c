//! Searching by meaning before a view is begun: where each look at the store is a round trip, one look does for most searches.
//!
//! The index of the last view is scanned first. What that leaves to be known, exact rows and the entries of the hits, is asked for
//! together with the view of now. Where the change log has not moved since, the answer is that of a search over this view;
//! otherwise nothing of it is used.

use std::collections::HashMap;
use std::sync::Arc;

use rekall_core::store::HitRows;
use rekall_core::{Error as CoreError, Space, VectorBatch, VectorKey};
use rekall_index::{Error as IndexError, Key, Neighbor, VectorSearch, VectorSource};

use super::options::Mode;
use super::retrieve::{Admitted, SemanticRetriever, keep_nearest};
use super::search::{Prepared, Search};
use crate::Error;
use crate::vector_index::{IndexView, Snapshot, index_keys, stored_key};

/// Exact rows that are asked for beforehand, at the most.
const MOST_ROWS: usize = 512;

/// Entries that are read beforehand at the most: so many for each hit that is wanted, and some more. What is not a hit is read in vain.
const FOR_EACH_HIT: usize = 3;
const SOME_MORE: usize = 16;

/// A view, and what was found in it.
pub(super) type LookedAhead<'s> = (Snapshot<'s>, Vec<Neighbor>);

impl<'a> Search<'a> {
    /// The entries nearest to the one query, and the view in which they are that; `None` where there is
    /// nothing to be gained, or something has changed.
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
            // What goes wrong here does so in the search itself, too, which knows what to do about it.
            Err(Error::Index(error)) if !matches!(error, IndexError::Cancelled) => Ok(None),
            Err(Error::Core(CoreError::Corrupt { .. })) => Ok(None),
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
        // In a hybrid search words have a say in what the hits are.
        let most = self.options.hits().saturating_mul(FOR_EACH_HIT).saturating_add(SOME_MORE);
        let shown = if mode == Mode::Semantic && candidates.len() <= most { &candidates[..] } else { &[] };
        if open.len() > MOST_ROWS || open.is_empty() && shown.is_empty() {
            return Ok(None);
        }
        let mut entries: Vec<i64> = shown.iter().map(|key| key.entry).collect();
        entries.sort_unstable();
        entries.dedup();
        let wanted = HitRows {
            entries: &entries,
            space: Some(space),
            spans: shown,
            vectors_at: &open,
            ..HitRows::default()
        };
        let looked = self.rekall.vector_index.snapshot_with(view, &wanted, self.cancel)?;
        let Some((snapshot, rows)) = looked else { return Ok(None) };
        let mut nearest = unsettled.settle(&Rows::new(&rows))?;
        keep_nearest(&snapshot, &mut nearest, options.k)?;
        Ok(Some((snapshot, nearest)))
    }
}

/// Exact rows that were read.
struct Rows<'a>(HashMap<Key, &'a [f32]>);

impl<'a> Rows<'a> {
    fn new(batch: &'a VectorBatch) -> Self {
        let rows = batch.rows.chunks_exact(batch.dimensions.max(1));
        Self(index_keys(batch).into_iter().zip(rows).collect())
    }
}

impl VectorSource for Rows<'_> {
    fn rows(&self, keys: &[Key], out: &mut Vec<f32>) -> Result<(), IndexError> {
        for &key in keys {
            out.extend_from_slice(self.0.get(&key).ok_or(IndexError::MissingRow { key })?);
        }
        Ok(())
    }
}
