//! Whether what a search relies on besides the rows fits them: looked at once for each state of the file.

use std::sync::{Mutex, PoisonError};

use rekall_core::{Filter, Store};

use super::hit::Degraded;
use crate::Error;

/// What was found last, and in which state of the file.
#[derive(Debug, Default)]
pub(crate) struct Health(Mutex<Option<(i64, Faults)>>);

/// What searches miss that go by words, or by a filter of tags.
#[derive(Debug, Clone, Default)]
struct Faults {
    words: Option<String>,
    tags: Option<String>,
}

impl Health {
    /// What is known of the file as it is now. When nothing was committed since the last look this costs some
    /// microseconds, else some tenths of a millisecond for 100,000 entries.
    fn faults(&self, store: &Store) -> Result<Faults, Error> {
        // Asked before the transaction begins, which then sees this state or a newer one: never an older one.
        let state = store.data_version()?;
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
}

impl Health {
    /// Says what is wrong to a search by words, or with a filter of tags.
    pub(crate) fn tell(
        &self,
        store: &Store,
        by_words: bool,
        filter: &Filter,
        degraded: &mut Vec<Degraded>,
    ) -> Result<(), Error> {
        let by_tags = !(filter.tags_any.is_empty() && filter.tags_all.is_empty());
        if !by_words && !by_tags {
            return Ok(());
        }
        let faults = self.faults(store)?;
        for (concerned, fault) in [(by_words, faults.words), (by_tags, faults.tags)] {
            if let (true, Some(reason)) = (concerned, fault) {
                degraded.push(Degraded::Damaged { reason });
            }
        }
        Ok(())
    }
}
