//! The index that follows the change log: filled from the file, then given what changed.

use std::sync::Arc;

use rekall_core::{Changes, LogPosition, ReadTx, Space, VectorBatch, VectorKey};
use rekall_index::EntrySet;

use super::backend::{Backend, Missing, PersistJob};
use super::backends::RowsBackend;
use super::expiring::Expiring;
use super::file::IndexFile;
use super::settings::IndexSettings;
use super::snapshot::IndexView;
use super::{LOAD_BATCH, index_keys, select};
use crate::cancel::check_cancelled;
use crate::{CancelToken, Error};

/// Changed entries read at a time at first: each may have hundreds of rows.
const CHANGED_BATCH: usize = 64;

/// The same where none turns out to have more than two: a store on a server is asked once for each batch.
const MOST_CHANGED: usize = 512;

/// An index and the position of the change log that it has come to.
pub(crate) struct LiveIndex {
    position: LogPosition,
    /// `None`: the file has no vectors.
    index: Option<SpaceIndex>,
    obsolete: Arc<EntrySet>,
    expiring: Arc<Expiring>,
    /// Entries with vectors that cannot be used.
    unusable: EntrySet,
}

struct SpaceIndex {
    space: Space,
    backend: Box<dyn Backend>,
}

impl LiveIndex {
    /// Reads everything from the file.
    pub(crate) fn load(
        file: &Arc<IndexFile>,
        settings: IndexSettings,
        tx: &dyn ReadTx,
        cancel: Option<&CancelToken>,
    ) -> Result<Self, Error> {
        let mut live = Self {
            position: tx.position()?,
            index: None,
            obsolete: Arc::new(tx.obsolete()?.into_iter().collect()),
            expiring: Arc::new(tx.expiries()?.into_iter().collect()),
            unusable: EntrySet::new(),
        };
        let Some(space) = tx.active_space()? else { return Ok(live) };
        let begun = select::begin(file, tx, &space, settings)?;
        let mut index = SpaceIndex { space, backend: begun.backend };
        match begun.missing {
            Missing::Changed(entries) => {
                if !index.refresh(tx, &entries, &mut live.unusable)? {
                    index.backend = RowsBackend::begin(file, tx, &index.space, settings)?.backend;
                }
            }
            Missing::All => tx.vectors(&index.space, LOAD_BATCH, |batch| {
                check_cancelled(cancel)?;
                add(&mut *index.backend, batch, &mut live.unusable)
            })?,
        }
        live.index = Some(index);
        Ok(live)
    }

    /// Reads the entries that changed since. `None`: that is not enough, and everything has to be read.
    pub(crate) fn caught_up(mut self, tx: &dyn ReadTx) -> Result<Option<Self>, Error> {
        let Changes::Entries { position, entries, spaces } = tx.changes_since(self.position)? else {
            return Ok(None);
        };
        let begins_again = |index: &SpaceIndex| index.backend.is_outgrown() || index.backend.is_provisional();
        if self.index.as_ref().is_some_and(begins_again) {
            return Ok(None);
        }
        if spaces && tx.active_space()?.as_ref() != self.index.as_ref().map(|index| &index.space) {
            return Ok(None);
        }
        self.position = position;
        if !self.refresh(tx, &entries)? {
            return Ok(None);
        }
        self.update_obsolete(tx, &entries)?;
        self.update_expiring(tx, &entries)?;
        Ok(Some(self))
    }

    /// Reads these entries again. False: with them the index would be larger than it may be, not even for a moment, and it
    /// was left incomplete.
    pub(crate) fn refresh(&mut self, tx: &dyn ReadTx, entries: &[i64]) -> Result<bool, Error> {
        match &mut self.index {
            Some(index) => index.refresh(tx, entries, &mut self.unusable),
            None => Ok(true),
        }
    }

    fn update_obsolete(&mut self, tx: &dyn ReadTx, entries: &[i64]) -> Result<(), Error> {
        let now: EntrySet = tx.obsolete_among(entries)?.into_iter().collect();
        for &entry in entries {
            if self.obsolete.contains(entry) != now.contains(entry) {
                // Copied only when it changes, and then only if a search still holds the old one.
                let obsolete = Arc::make_mut(&mut self.obsolete);
                if now.contains(entry) {
                    obsolete.insert(entry)
                } else {
                    obsolete.remove(entry)
                };
            }
        }
        Ok(())
    }

    fn update_expiring(&mut self, tx: &dyn ReadTx, entries: &[i64]) -> Result<(), Error> {
        let now = tx.expiries_among(entries)?;
        if !now.is_empty() || entries.iter().any(|&entry| self.expiring.contains(entry)) {
            Arc::make_mut(&mut self.expiring).replace(entries, &now);
        }
        Ok(())
    }

    /// What searches use.
    pub(crate) fn view(&mut self) -> Result<IndexView, Error> {
        let position = self.position;
        let search = self.index.as_mut().map(|index| index.backend.view(position)).transpose()?;
        Ok(IndexView {
            position,
            space: self.index.as_ref().map(|index| index.space.clone()),
            search,
            backend: self.index.as_ref().map(|index| index.backend.name()),
            approximate: self.index.as_ref().is_some_and(|index| index.backend.is_approximate()),
            unindexed: self.index.as_ref().map_or(0, |index| index.backend.unindexed_rows()),
            obsolete: Arc::clone(&self.obsolete),
            expiring: Arc::clone(&self.expiring),
            unusable: self.unusable_entries(),
        })
    }

    pub(crate) fn unusable_entries(&self) -> usize {
        usize::try_from(self.unusable.len()).unwrap_or(usize::MAX)
    }

    /// What writes the index to the file for the next process, if it is persisted.
    pub(crate) fn persist(&self) -> Option<PersistJob> {
        // What is persisted knows nothing of unusable vectors: without the rows they would no longer be reported.
        let index = self.index.as_ref().filter(|_| self.unusable.is_empty())?;
        index.backend.persist(self.position)
    }
}

impl SpaceIndex {
    /// Each entry is removed and, if it is still there, read again. False: see [`LiveIndex::refresh`].
    fn refresh(&mut self, tx: &dyn ReadTx, entries: &[i64], unusable: &mut EntrySet) -> Result<bool, Error> {
        for &entry in entries {
            self.backend.remove_entry(entry)?;
            unusable.remove(entry);
        }
        let (mut left, mut at_once, mut most_rows) = (entries, CHANGED_BATCH, 1);
        while !left.is_empty() {
            let (now, later) = left.split_at(at_once.min(left.len()));
            let batch = tx.vectors_of(&self.space, now)?;
            add(&mut *self.backend, &batch, unusable)?;
            if self.backend.is_outgrown() {
                return Ok(false);
            }
            most_rows = most_rows.max(rows_of_one(&batch));
            at_once = entries_at_once(at_once, most_rows);
            left = later;
        }
        Ok(true)
    }
}

/// The most rows that one entry of a batch has: those of an entry follow each other.
fn rows_of_one(batch: &VectorBatch) -> usize {
    let of_each = batch.keys.chunk_by(|one, next| one.entry == next.entry);
    of_each.map(<[VectorKey]>::len).max().unwrap_or(0)
}

/// How many changed entries to read after a batch of so many, if none so far had more rows: no more than make a batch of a load if all that
/// follow have as many.
fn entries_at_once(before: usize, most_rows: usize) -> usize {
    (LOAD_BATCH / most_rows.max(1)).min(2 * before).clamp(CHANGED_BATCH, MOST_CHANGED)
}

fn add(backend: &mut dyn Backend, batch: &VectorBatch, unusable: &mut EntrySet) -> Result<(), Error> {
    unusable.extend(batch.unusable.iter().map(|key| key.entry));
    backend.add(&index_keys(batch), &batch.rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_grow_while_every_entry_has_few_rows() {
        let sizes = |most_rows: &[usize]| {
            let (mut at_once, mut most) = (CHANGED_BATCH, 0);
            let next = |&rows: &usize| {
                most = most.max(rows);
                at_once = entries_at_once(at_once, most);
                at_once
            };
            most_rows.iter().map(next).collect::<Vec<_>>()
        };
        assert_eq!(sizes(&[1, 2, 1, 0, 2]), [128, 256, 512, 512, 512]);
        assert_eq!(sizes(&[4, 4, 4]), [128, 256, 256]);
        assert_eq!(sizes(&[1, 1, 1, 300, 1, 1]), [128, 256, 512, 64, 64, 64], "another like it may come");
    }

    #[test]
    fn the_rows_of_one_entry_are_counted() {
        let mut batch = VectorBatch::new(1);
        assert_eq!(rows_of_one(&batch), 0);
        for (entry, chunk) in [(7, 0), (3, 0), (3, 1), (3, 2), (9, 0), (9, 1)] {
            batch.keys.push(VectorKey { entry, role: 0, chunk });
        }
        assert_eq!(rows_of_one(&batch), 3);
    }
}
