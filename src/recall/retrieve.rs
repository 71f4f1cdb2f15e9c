//! Finding candidates: by meaning in the vector index, by words in the word index, over one consistent snapshot.

use std::collections::HashMap;
use std::sync::Arc;

use rekall_core::{Filter, ReadTx, Status, TextQuery, WordHit};
use rekall_index::{EntrySet, Neighbor, Roles, SearchOptions, VectorSearch};

use crate::vector_index::{IndexView, Snapshot};
use crate::{CancelToken, Error};

/// The filter as the indexes take it.
pub(super) struct Admitted {
    /// `None`: all.
    entries: Option<EntrySet>,
    /// Not these.
    hidden: Option<Arc<EntrySet>>,
}

impl Admitted {
    /// What passes at the moment `now_ms`.
    pub(super) fn new(snapshot: &Snapshot<'_>, filter: &Filter, now_ms: i64) -> Result<Self, Error> {
        match Self::by_view(&snapshot.view, filter, now_ms) {
            Some(admitted) => Ok(admitted),
            None => {
                let entries = snapshot.tx.matching(filter)?.into_iter().collect();
                Ok(Self { entries: Some(entries), hidden: None })
            }
        }
    }

    /// The same where the view is enough to tell.
    pub(super) fn by_view(view: &IndexView, filter: &Filter, now_ms: i64) -> Option<Self> {
        if !filter.is_unconditional() || filter.status == Some(Status::Obsolete) {
            return None;
        }
        let obsolete = Some(&view.obsolete).filter(|set| filter.status.is_some() && !set.is_empty());
        let expired = if filter.include_expired { None } else { view.expiring.expired(now_ms) };
        let hidden = match (obsolete, expired) {
            (Some(obsolete), None) => Some(Arc::clone(obsolete)),
            (Some(obsolete), Some(expired)) => Some(Arc::new(obsolete.union(&expired))),
            (None, expired) => expired.map(Arc::new),
        };
        Some(Self { entries: None, hidden })
    }

    pub(super) fn admits(&self, row: i64) -> bool {
        match (&self.entries, &self.hidden) {
            (Some(entries), _) => entries.contains(row),
            (None, Some(hidden)) => !hidden.contains(row),
            (None, None) => true,
        }
    }

    /// The same as a restriction of a search by meaning.
    pub(super) fn restrict<'a>(&'a self, mut options: SearchOptions<'a>) -> SearchOptions<'a> {
        options.entries = self.entries.as_ref();
        options.exclude = self.hidden.as_deref();
        options
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
        let Some(search) = snapshot.search() else { return Ok(vec![Vec::new(); queries.len()]) };
        let options = self.options(limit);
        let mut lists = match queries {
            [query] => vec![search.search(query, &options)?],
            _ => search.search_batch(&queries.concat(), &options)?,
        };
        for found in &mut lists {
            keep_nearest(snapshot, found, limit)?;
        }
        Ok(lists)
    }

    /// What the index is asked for to find `limit` entries.
    pub(super) fn options(&self, limit: usize) -> SearchOptions<'_> {
        // The index breaks ties by row number. Which of several equal ones come back must not depend on
        // history, so where the border runs through them it gives all of them.
        let options = SearchOptions::new(limit).with_ties().with_roles(self.roles).with_threads(self.threads);
        let mut options = self.admitted.restrict(options);
        options.cancel = self.cancel.map(CancelToken::flag);
        options
    }
}

/// Keeps the `limit` nearest of a list that has all that are as near as its last: equal ones by id.
pub(super) fn keep_nearest(
    snapshot: &Snapshot<'_>,
    found: &mut Vec<Neighbor>,
    limit: usize,
) -> Result<(), Error> {
    keep_first(&*snapshot.tx, found, limit, |near| near.similarity, |near| near.key.entry)
}

/// Up to `limit` entries found by words, best first: BM25 score descending, equal ones by id.
pub(super) fn matching_words(
    snapshot: &Snapshot<'_>,
    query: &TextQuery,
    admitted: &Admitted,
    limit: usize,
    cancel: Option<&CancelToken>,
) -> Result<Vec<WordHit>, Error> {
    let flag = cancel.map(CancelToken::flag);
    let mut found = snapshot.tx.search_words_among(query, &|row| admitted.admits(row), limit, flag)?;
    keep_first(&*snapshot.tx, &mut found, limit, |hit| hit.score, |hit| hit.key.row)?;
    Ok(found)
}

/// Of so many that score alike all are put in order, with what else is, to ask for ids once.
const MOST_ORDERED: usize = 256;

/// Keeps the first `limit` of what is ordered by score; what scores alike is ordered by the id of its entry.
pub(super) fn keep_first<T, S: PartialEq>(
    tx: &dyn ReadTx,
    found: &mut Vec<T>,
    limit: usize,
    score: impl Fn(&T) -> S,
    row: impl Fn(&T) -> i64,
) -> Result<(), Error> {
    let mut whole = 0;
    for tied in found.chunk_by_mut(|a, b| score(a) == score(b)) {
        if whole + tied.len() > limit {
            let room = limit - whole;
            if room > 0 && tied.len() <= MOST_ORDERED {
                whole += tied.len();
            } else if room > 0 {
                // Thousands may be equal: only those that stay are put in order.
                let rows: Vec<i64> = tied.iter().map(&row).collect();
                let first = tx.first_by_id(&rows, room)?;
                let places: HashMap<i64, usize> = first.into_iter().zip(0..).collect();
                tied.sort_by_key(|hit| places.get(&row(hit)).copied().unwrap_or(usize::MAX));
            }
            break;
        }
        whole += tied.len();
    }
    order_ties(tx, &mut found[..whole], |a, b| score(a) == score(b), row)?;
    found.truncate(limit);
    Ok(())
}

/// Orders what scores alike by the id of its entry, and last what has none because its entry is gone. Ids are asked for once: on a server
/// each read is a round trip.
pub(super) fn order_ties<T>(
    tx: &dyn ReadTx,
    found: &mut [T],
    alike: impl Fn(&T, &T) -> bool,
    row: impl Fn(&T) -> i64,
) -> Result<(), Error> {
    let tied: Vec<i64> = found.chunk_by(&alike).filter(|tied| tied.len() > 1).flatten().map(&row).collect();
    if tied.is_empty() {
        return Ok(());
    }
    let ids = tx.ids(&tied)?;
    for tied in found.chunk_by_mut(&alike).filter(|tied| tied.len() > 1) {
        tied.sort_by_key(|hit| {
            let id = ids.get(&row(hit)).copied();
            (id.is_none(), id)
        });
    }
    Ok(())
}
