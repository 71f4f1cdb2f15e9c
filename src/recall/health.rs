//! What keeps a search from being complete. Whether words and tags are all there is looked at once for each
//! state of the memory.

use std::sync::{Mutex, PoisonError};

use rekall_core::{Filter, ReadTx, Store};

use super::hit::Degraded;
use crate::Error;
use crate::models::Models;
use crate::vector_index::Snapshot;

/// What was found last.
#[derive(Debug, Default)]
pub(crate) struct Health {
    words: Look,
    tags: Look,
}

/// What one index misses, and the state in which that was found.
#[derive(Debug, Default)]
struct Look(Mutex<Option<(State, Option<String>)>>);

/// What damage leaves a trace in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The index as a view sees it.
    Index(i64),
    /// The whole store: whatever is committed is another state.
    Store(i64),
}

impl Look {
    /// What `fault` finds in this state or, in one of the store, in a newer one.
    fn fault(
        &self,
        state: State,
        fault: impl FnOnce() -> Result<Option<String>, Error>,
    ) -> Result<Option<String>, Error> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, fault)) = last.as_ref().filter(|(seen, _)| *seen == state) {
            return Ok(fault.clone());
        }
        let fault = fault()?;
        *last = Some((state, fault.clone()));
        Ok(fault)
    }
}

impl Health {
    /// What the word index misses. When nothing was committed since the last look this costs some microseconds, else some tenths of a
    /// millisecond for 100,000 entries in a file; on a server nothing at all until the index gets other segments.
    fn fault_of_words(&self, store: &dyn Store, search: &dyn ReadTx) -> Result<Option<String>, Error> {
        match search.version_of_words() {
            Some(version) => self.words.fault(State::Index(version), || Ok(search.fault_of_words()?)),
            None => self.words.fault(newest(store)?, || Ok(store.read()?.fault_of_words()?)),
        }
    }

    /// What the index of tags misses.
    fn fault_of_tags(&self, store: &dyn Store, search: &dyn ReadTx) -> Result<Option<String>, Error> {
        match search.version_of_tags() {
            Some(version) => self.tags.fault(State::Index(version), || Ok(search.fault_of_tags()?)),
            None => self.tags.fault(newest(store)?, || Ok(store.read()?.fault_of_tags()?)),
        }
    }

    /// Notes what is wrong for a search by words, or with a filter of tags. `search` is the view that it searches.
    pub(super) fn note_damage(
        &self,
        store: &dyn Store,
        search: &dyn ReadTx,
        by_words: bool,
        filter: &Filter,
        degraded: &mut Vec<Degraded>,
    ) -> Result<(), Error> {
        let words = if by_words { self.fault_of_words(store, search)? } else { None };
        let tags = if filter.uses_tags() { self.fault_of_tags(store, search)? } else { None };
        degraded.extend(words.into_iter().chain(tags).map(|reason| Degraded::Damaged { reason }));
        Ok(())
    }
}

/// Known before a transaction begins that looks, which then sees this state or a newer one: never an older one.
fn newest(store: &dyn Store) -> Result<State, Error> {
    Ok(State::Store(store.data_version()?))
}

/// The known share of a query from which nothing is said.
const KNOWN_ENOUGH: f32 = 0.5;

/// Notes that a query's vector says little.
pub(super) fn note_unknown_words(known: Option<f32>, degraded: &mut Vec<Degraded>) {
    if let Some(known) = known.filter(|&known| known < KNOWN_ENOUGH) {
        degraded.push(Degraded::PartlyKnown { percent: (100.0 * known) as u8 });
    }
}

/// Notes what a search by meaning cannot see.
pub(super) fn note_missing_vectors(
    snapshot: &Snapshot<'_>,
    models: &Models,
    degraded: &mut Vec<Degraded>,
) -> Result<(), Error> {
    // Where no space is active every entry waits, whether it is marked or not.
    let count = match snapshot.view.space {
        Some(_) => snapshot.tx.count_pending()?,
        None => snapshot.tx.count_entries()?,
    };
    if count > 0 {
        let active = snapshot.view.space.as_ref().map(|space| space.fingerprint.as_str());
        degraded.push(Degraded::Pending { count, reason: models.obstacle(active) });
    }
    if snapshot.view.unindexed > 0 {
        degraded.push(Degraded::NotIndexed { rows: snapshot.view.unindexed });
    }
    if snapshot.view.approximate && !snapshot.by_rows() {
        degraded.push(Degraded::Approximate);
    }
    if snapshot.view.unusable > 0 {
        degraded.push(Degraded::UnusableVectors { count: snapshot.view.unusable });
    }
    Ok(())
}
