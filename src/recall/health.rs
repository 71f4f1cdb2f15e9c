//! What keeps a search from being complete. Whether words and tags are all there is looked at once for each
//! state of the file.

use std::sync::{Mutex, PoisonError};

use rekall_core::{Filter, ReadTx, Store};

use super::hit::Degraded;
use crate::Error;
use crate::models::Models;
use crate::vector_index::Snapshot;

/// What was found last, and in which state of the file.
#[derive(Debug, Default)]
pub(crate) struct Health(Mutex<Option<(i64, Faults)>>);

/// What searches by words miss, or those with a filter of tags.
#[derive(Debug, Clone, Default)]
struct Faults {
    words: Option<String>,
    tags: Option<String>,
}

impl Health {
    /// What is known of the file as it is now. When nothing was committed since the last look this costs some
    /// microseconds, else some tenths of a millisecond for 100,000 entries.
    fn faults(&self, store: &dyn Store, search: &dyn ReadTx) -> Result<Faults, Error> {
        // Known before the transaction begins that looks, which then sees this state or a newer one: never an older one.
        let state = match search.data_version() {
            Some(state) => state,
            None => store.data_version()?,
        };
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((seen, faults)) = &*last
            && *seen == state
        {
            return Ok(faults.clone());
        }
        let tx = store.read()?;
        let faults = Faults { words: tx.fault_of_words()?, tags: tx.fault_of_tags()? };
        *last = Some((state, faults.clone()));
        Ok(faults)
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
        let by_tags = filter.uses_tags();
        if !by_words && !by_tags {
            return Ok(());
        }
        let faults = self.faults(store, search)?;
        for (concerned, fault) in [(by_words, faults.words), (by_tags, faults.tags)] {
            if let (true, Some(reason)) = (concerned, fault) {
                degraded.push(Degraded::Damaged { reason });
            }
        }
        Ok(())
    }
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
