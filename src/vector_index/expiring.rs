//! Entries that cease to be found at some time, by that time.

use std::collections::{BTreeSet, HashMap};

use rekall_index::EntrySet;

/// Entries that expire, and when.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Expiring {
    by_time: BTreeSet<(i64, i64)>,
    times: HashMap<i64, i64>,
}

impl Expiring {
    /// Those that have expired at a moment; `None`: none has. O(expired entries).
    pub(crate) fn expired(&self, now_ms: i64) -> Option<EntrySet> {
        let mut expired = self.by_time.range(..=(now_ms, i64::MAX)).map(|&(_, entry)| entry).peekable();
        expired.peek()?;
        Some(expired.collect())
    }

    pub(crate) fn contains(&self, entry: i64) -> bool {
        self.times.contains_key(&entry)
    }

    /// Takes over what is known now of entries that changed: those that are not in `now` do not expire any more.
    pub(crate) fn replace(&mut self, changed: &[i64], now: &[(i64, i64)]) {
        for entry in changed {
            if let Some(at) = self.times.remove(entry) {
                self.by_time.remove(&(at, *entry));
            }
        }
        self.extend(now.iter().copied());
    }

    /// About so many bytes.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.times.len() * 4 * size_of::<(i64, i64)>()
    }
}

impl Extend<(i64, i64)> for Expiring {
    fn extend<I: IntoIterator<Item = (i64, i64)>>(&mut self, expiries: I) {
        for (entry, at) in expiries {
            self.times.insert(entry, at);
            self.by_time.insert((at, entry));
        }
    }
}

impl FromIterator<(i64, i64)> for Expiring {
    fn from_iter<I: IntoIterator<Item = (i64, i64)>>(expiries: I) -> Self {
        let mut expiring = Self::default();
        expiring.extend(expiries);
        expiring
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_expired_is_known_at_every_moment() {
        let mut expiring: Expiring = [(1, 10), (2, 20), (3, 20)].into_iter().collect();
        let expired =
            |expiring: &Expiring, at| expiring.expired(at).map(|set| set.iter().collect::<Vec<_>>());
        assert_eq!(expired(&expiring, 9), None);
        assert_eq!(expired(&expiring, 10), Some(vec![1]));
        assert_eq!(expired(&expiring, i64::MAX), Some(vec![1, 2, 3]));
        // 1 does not expire any more, 2 does later, 4 does, too.
        expiring.replace(&[1, 2, 4, 5], &[(2, 30), (4, 5)]);
        assert_eq!(expired(&expiring, 20), Some(vec![3, 4]));
        assert_eq!(expired(&expiring, 30), Some(vec![2, 3, 4]));
        assert!(expiring.contains(2) && !expiring.contains(1));
    }
}
