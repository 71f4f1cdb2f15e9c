//! What a search may return, and how it may be stopped.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::{EntrySet, Error, Key, Neighbor, Roles};

/// How to search: how many entries, which of them, when to stop, on how many threads.
///
/// # Examples
/// ```
/// use rekall_index::{EntrySet, Roles, SearchOptions};
/// let project: EntrySet = [1, 2, 3].into_iter().collect();
/// let options = SearchOptions::new(10).with_roles(Roles::only(0)).with_entries(&project);
/// assert_eq!(options.k, 10);
/// ```
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct SearchOptions<'a> {
    /// How many entries to return, 1 or more.
    pub k: usize,
    /// Whether to return more than `k` where the border of the result runs through equal similarities: every entry as near as
    /// the `k`-th. Default: no.
    pub ties: bool,
    /// Only rows in one of these roles count. Default: all.
    pub roles: Roles,
    /// Only these entries count. Default: all.
    pub entries: Option<&'a EntrySet>,
    /// These entries don't count, whatever `entries` says. Default: none.
    pub exclude: Option<&'a EntrySet>,
    /// When another thread sets it, the search ends with [`Error::Cancelled`] within about a millisecond.
    pub cancel: Option<&'a AtomicBool>,
    /// The most threads a search may run on, the caller's included. Default: 1. An index may use fewer (on small
    /// data one is fastest); none keeps a pool. Searches of one index and its snapshots at the same time share the threads
    /// beside the callers': eight callers who may use four each run on eight and three, not on thirty-two. 0 counts as 1.
    pub threads: usize,
}

impl<'a> SearchOptions<'a> {
    /// The `k` nearest entries of all, on the caller's thread.
    #[must_use]
    pub const fn new(k: usize) -> Self {
        Self { k, ties: false, roles: Roles::ALL, entries: None, exclude: None, cancel: None, threads: 1 }
    }

    /// With every entry as near as the `k`-th, however many they are: for a caller who orders equal ones by something that the
    /// index does not know. One pass finds them; each costs an exact similarity.
    ///
    /// ```
    /// use rekall_index::{FlatIndex, Key, SearchOptions, VectorIndex, VectorSearch};
    /// let mut index = FlatIndex::new(2)?;
    /// let keys = [Key::new(1, 0, 0), Key::new(2, 0, 0), Key::new(3, 0, 0)];
    /// index.upsert(&keys, &[1.0, 0.0, 1.0, 0.0, 0.0, 1.0])?;
    /// assert_eq!(index.search(&[1.0, 0.0], &SearchOptions::new(1))?.len(), 1);
    /// assert_eq!(index.search(&[1.0, 0.0], &SearchOptions::new(1).with_ties())?.len(), 2);
    /// # Ok::<(), rekall_index::Error>(())
    /// ```
    #[must_use]
    pub const fn with_ties(mut self) -> Self {
        self.ties = true;
        self
    }

    /// With only rows in these roles.
    #[must_use]
    pub const fn with_roles(mut self, roles: Roles) -> Self {
        self.roles = roles;
        self
    }

    /// With only these entries.
    #[must_use]
    pub const fn with_entries(mut self, entries: &'a EntrySet) -> Self {
        self.entries = Some(entries);
        self
    }

    /// Without these entries.
    #[must_use]
    pub const fn with_exclude(mut self, exclude: &'a EntrySet) -> Self {
        self.exclude = Some(exclude);
        self
    }

    /// With a flag that stops the search.
    ///
    /// ```
    /// use std::sync::atomic::AtomicBool;
    /// use rekall_index::{Error, FlatIndex, SearchOptions, VectorSearch};
    /// let index = FlatIndex::new(2)?;
    /// // As if another thread had given up waiting.
    /// let flag = AtomicBool::new(true);
    /// let found = index.search(&[1.0, 0.0], &SearchOptions::new(1).with_cancel(&flag));
    /// assert!(matches!(found, Err(Error::Cancelled)));
    /// # Ok::<(), rekall_index::Error>(())
    /// ```
    #[must_use]
    pub const fn with_cancel(mut self, cancel: &'a AtomicBool) -> Self {
        self.cancel = Some(cancel);
        self
    }

    /// With up to `threads` threads.
    #[must_use]
    pub const fn with_threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// Whether these options let a search return the row, by role, `entries` and `exclude`.
    ///
    /// ```
    /// use rekall_index::{EntrySet, Key, Roles, SearchOptions};
    /// let hidden: EntrySet = [3].into_iter().collect();
    /// let options = SearchOptions::new(1).with_roles(Roles::only(0)).with_exclude(&hidden);
    /// assert!(options.admits(Key::new(2, 0, 0)));
    /// assert!(!options.admits(Key::new(3, 0, 0)) && !options.admits(Key::new(2, 1, 0)));
    /// ```
    #[must_use]
    pub fn admits(&self, key: Key) -> bool {
        self.roles.contains(key.role)
            && self.entries.is_none_or(|set| set.contains(key.entry))
            && self.exclude.is_none_or(|set| !set.contains(key.entry))
    }

    /// For implementers: shortens a list, ordered by [`Neighbor::rank_cmp`](crate::Neighbor::rank_cmp), to what these options
    /// ask for.
    ///
    /// ```
    /// use rekall_index::{Key, Neighbor, SearchOptions};
    /// let ranked: Vec<Neighbor> = [(1, 0.5), (2, 0.5), (3, 0.25)]
    ///     .map(|(entry, similarity)| Neighbor { key: Key::new(entry, 0, 0), similarity })
    ///     .to_vec();
    /// let (mut one, mut tied) = (ranked.clone(), ranked);
    /// SearchOptions::new(1).truncate(&mut one);
    /// SearchOptions::new(1).with_ties().truncate(&mut tied);
    /// assert_eq!((one.len(), tied.len()), (1, 2));
    /// ```
    pub fn truncate(&self, ranked: &mut Vec<Neighbor>) {
        let last = self.k.checked_sub(1).and_then(|last| ranked.get(last));
        let length = match last {
            Some(last) if self.ties => ranked.partition_point(|hit| hit.similarity >= last.similarity),
            _ => self.k,
        };
        ranked.truncate(length);
    }

    /// For implementers: to be called between blocks of about a millisecond of work.
    ///
    /// # Errors
    /// [`Error::Cancelled`] once the cancel flag is set.
    pub fn check_cancelled(&self) -> Result<(), Error> {
        match self.cancel {
            Some(flag) if flag.load(Ordering::Relaxed) => Err(Error::Cancelled),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn admits_by_role_entries_and_exclude() {
        let (even, low): (EntrySet, EntrySet) = ((0..10).step_by(2).collect(), (0..3).collect());
        let options = SearchOptions::new(1).with_roles(Roles::only(1)).with_entries(&even).with_exclude(&low);
        let admitted: Vec<i64> = (0..12).filter(|&e| options.admits(Key::new(e, 1, 0))).collect();
        assert_eq!(admitted, [4, 6, 8]);
        assert!(!options.admits(Key::new(4, 0, 0)));
        assert!(!options.admits(Key::new(4, 9, 0)));
    }

    #[test]
    fn cancel_flag_is_an_error() {
        let flag = AtomicBool::new(false);
        let options = SearchOptions::new(1).with_cancel(&flag);
        assert!(options.check_cancelled().is_ok());
        flag.store(true, Ordering::Relaxed);
        assert!(matches!(options.check_cancelled(), Err(Error::Cancelled)));
    }
}
