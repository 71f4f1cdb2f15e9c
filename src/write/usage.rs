//! Which entries were used: noted in memory, written when the host says so.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rekall_core::Usage;

use crate::{EntryId, Error, Rekall};

/// Uses that are not written yet.
#[derive(Debug, Default)]
pub(crate) struct PendingUsage(Mutex<BTreeMap<EntryId, Usage>>);

impl PendingUsage {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<EntryId, Usage>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, usage: impl IntoIterator<Item = (EntryId, Usage)>) {
        let mut pending = self.lock();
        for (id, usage) in usage {
            let sum = pending.entry(id).or_insert(Usage::new(usage.last_used_at, 0));
            sum.last_used_at = sum.last_used_at.max(usage.last_used_at);
            sum.uses = sum.uses.saturating_add(usage.uses);
        }
    }
}

impl Rekall {
    /// Notes that entries were used now: shown to somebody, say, or handed to a model. Only in memory, some hundred nanoseconds an
    /// entry; [`flush_usage`](Self::flush_usage) writes it, and what is not written when the memory is closed is lost. Searches
    /// and reads note nothing by themselves: what counts as use is for the host to say.
    ///
    /// [`Recency`](crate::Recency) can go by it ([`EntryTime::LastUsed`](crate::EntryTime::LastUsed)).
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// # rekall.remember(NewEntry::new("disk full"))?;
    /// let found = rekall.recall("disk").run()?;
    /// let shown: Vec<_> = found.iter().map(|hit| hit.entry.id).collect();
    /// rekall.record_use(&shown);
    /// rekall.record_use(&shown);
    /// // Now and then, and before the end.
    /// assert_eq!(rekall.flush_usage()?, 1);
    /// assert_eq!(rekall.usage(&shown)?[0].map(|usage| usage.uses), Some(2));
    /// # Ok(())
    /// # }
    /// ```
    pub fn record_use(&self, ids: &[EntryId]) {
        let usage = Usage::new(self.store.now_ms(), 1);
        self.pending_usage.add(ids.iter().map(|&id| (id, usage)));
    }

    /// Writes the uses that [`record_use`](Self::record_use) noted, in one transaction, and gives the number of entries. Those
    /// that are gone are left out. Nothing else of an entry changes, its time of change included; without noted uses the file is
    /// not touched.
    ///
    /// # Errors
    /// [`Error::Core`] when the file cannot be written: the uses stay noted.
    pub fn flush_usage(&self) -> Result<usize, Error> {
        let pending = std::mem::take(&mut *self.pending_usage.lock());
        if pending.is_empty() {
            return Ok(0);
        }
        let usage: Vec<(EntryId, Usage)> = pending.into_iter().collect();
        let recorded = self.write(|tx| Ok(tx.record_usage(&usage)?));
        if recorded.is_err() {
            self.pending_usage.add(usage);
        }
        recorded
    }

    /// How entries were used, as far as it is written, in the order given; `None` where no use is recorded or no entry has the
    /// id.
    ///
    /// # Errors
    /// [`Error::Core`] when the file cannot be read.
    pub fn usage(&self, ids: &[EntryId]) -> Result<Vec<Option<Usage>>, Error> {
        Ok(self.store.read()?.usage(ids)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uses_add_up_and_the_latest_counts() {
        let (pending, id) = (PendingUsage::default(), "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap());
        pending.add([(id, Usage::new(7, 1)), (id, Usage::new(3, 2))]);
        assert_eq!(pending.lock().get(&id), Some(&Usage::new(7, 3)));
    }
}
