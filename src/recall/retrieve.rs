//! Finding candidates: by meaning in the vector index, by words in the full-text index, over one consistent snapshot.

use rekall_core::{Filter, ReadTx, TextHit, TextQuery};
use rekall_index::{EntrySet, Neighbor, Roles, SearchOptions, VectorSearch};

use crate::vector_index::Snapshot;
use crate::{CancelToken, Error};

/// The filter as the vector index takes it.
pub(super) struct Admitted {
    entries: Option<EntrySet>,
    leave_out_obsolete: bool,
}

impl Admitted {
    pub(super) fn new(tx: &ReadTx<'_>, filter: &Filter) -> Result<Self, Error> {
        let everything = filter.is_everything();
        let leave_out_obsolete = filter.is_only_active();
        let entries = match everything || leave_out_obsolete {
            true => None,
            false => Some(tx.matching(filter)?.into_iter().collect()),
        };
        Ok(Self { entries, leave_out_obsolete })
    }
}

/// Searches by meaning.
#[derive(Clone, Copy)]
pub(super) struct SemanticRetriever<'a> {
    pub(super) admitted: &'a Admitted,
    pub(super) roles: Roles,
    pub(super) cancel: Option<&'a CancelToken>,
    pub(super) threads: usize,
}

impl SemanticRetriever<'_> {
    /// The `limit` nearest entries: similarity descending, equal ones by id.
    pub(super) fn nearest(
        self,
        snapshot: &Snapshot<'_>,
        query: &[f32],
        limit: usize,
    ) -> Result<Vec<Neighbor>, Error> {
        Ok(self.nearest_to_each(snapshot, &[query], limit)?.swap_remove(0))
    }

    /// The same for each of several queries, in order.
    pub(super) fn nearest_to_each(
        self,
        snapshot: &Snapshot<'_>,
        queries: &[&[f32]],
        limit: usize,
    ) -> Result<Vec<Vec<Neighbor>>, Error> {
        let view = &*snapshot.view;
        let Some(search) = snapshot.search() else { return Ok(vec![Vec::new(); queries.len()]) };
        let mut options = SearchOptions::new(limit + 1).with_roles(self.roles).with_threads(self.threads);
        options.entries = self.admitted.entries.as_ref();
        if self.admitted.leave_out_obsolete && !view.obsolete.is_empty() {
            options.exclude = Some(&view.obsolete);
        }
        options.cancel = self.cancel.map(CancelToken::flag);
        let mut lists = vec![Vec::new()];
        match queries {
            [query] => search.search(query, &options, &mut lists[0])?,
            _ => search.search_batch(&queries.concat(), &options, &mut lists)?,
        }
        for (query, found) in queries.iter().zip(&mut lists) {
            // The index breaks ties by row number. Where the border runs through equal similarities all of them
            // are fetched, because which of them come back must not depend on history.
            options.k = limit + 1;
            while found.len() == options.k && found[limit - 1].similarity == found[found.len() - 1].similarity
            {
                // In long strides: each round settles all the equal rows anew.
                options.k = options.k.saturating_mul(16);
                search.search(query, &options, found)?;
            }
            order_ties(&snapshot.tx, found, |near| near.similarity, |near| near.key.entry)?;
            found.truncate(limit);
        }
        Ok(lists)
    }
}

/// Up to `limit` entries found by words, and at least `at_least` if so many match; best first: BM25 score
/// descending, equal ones by id.
pub(super) fn matching_words(
    tx: &ReadTx<'_>,
    query: &TextQuery,
    filter: &Filter,
    limit: usize,
    at_least: usize,
) -> Result<Vec<TextHit>, Error> {
    let mut found = tx.search_text(query, filter, limit, at_least)?;
    order_ties(tx, &mut found, |hit| hit.score, |hit| hit.row)?;
    found.truncate(limit);
    Ok(found)
}

fn order_ties<T, S: PartialEq>(
    tx: &ReadTx<'_>,
    found: &mut [T],
    score: impl Fn(&T) -> S,
    row: impl Fn(&T) -> i64,
) -> Result<(), Error> {
    for tied in found.chunk_by_mut(|a, b| score(a) == score(b)) {
        order_by_id(tx, tied, &row)?;
    }
    Ok(())
}

/// Orders what scores alike by the id of its entry.
pub(super) fn order_by_id<T>(tx: &ReadTx<'_>, tied: &mut [T], row: impl Fn(&T) -> i64) -> Result<(), Error> {
    if tied.len() > 1 {
        let rows: Vec<i64> = tied.iter().map(&row).collect();
        let ids = tx.ids(&rows)?;
        tied.sort_by_key(|hit| ids.get(&row(hit)).copied());
    }
    Ok(())
}
