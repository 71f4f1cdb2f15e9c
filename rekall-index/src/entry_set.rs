//! A set of entries, for filters.

use std::fmt;

use roaring::RoaringTreemap;

/// Entries a search may return, or must leave out: a compressed bitmap of `i64` ids.
///
/// Membership costs about 10 ns; ids that lie close together cost from 2 bytes down to a fraction of a bit each.
///
/// # Examples
/// ```
/// use rekall_index::EntrySet;
/// let set: EntrySet = [3, -1, 3].into_iter().collect();
/// assert_eq!(set.len(), 2);
/// assert!(set.contains(-1));
/// assert_eq!(set.iter().collect::<Vec<_>>(), [-1, 3]);
/// ```
#[derive(Clone, Default, PartialEq)]
pub struct EntrySet(RoaringTreemap);

/// Flipping the sign bit makes the unsigned order of the bitmap the signed order of the ids.
const SIGN: u64 = 1 << 63;

fn to_bit(entry: i64) -> u64 {
    entry.cast_unsigned() ^ SIGN
}

fn from_bit(bit: u64) -> i64 {
    (bit ^ SIGN).cast_signed()
}

impl EntrySet {
    /// The empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an entry; false if it was there.
    pub fn insert(&mut self, entry: i64) -> bool {
        self.0.insert(to_bit(entry))
    }

    /// Takes an entry out; false if it was not there.
    pub fn remove(&mut self, entry: i64) -> bool {
        self.0.remove(to_bit(entry))
    }

    /// Takes every entry out.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Whether the entry is in the set.
    #[must_use]
    pub fn contains(&self, entry: i64) -> bool {
        self.0.contains(to_bit(entry))
    }

    /// How many entries there are. Costs a walk over the bitmap's containers, not over the entries.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.0.len()
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The entries, ascending.
    pub fn iter(&self) -> impl Iterator<Item = i64> + '_ {
        self.0.iter().map(from_bit)
    }

    /// The entries of either set.
    ///
    /// ```
    /// use rekall_index::EntrySet;
    /// let (mut low, even): (EntrySet, EntrySet) = ((0..4).collect(), (0..8).step_by(2).collect());
    /// assert!(low.union(&even).iter().eq([0, 1, 2, 3, 4, 6]));
    /// assert!(low.intersection(&even).iter().eq([0, 2]));
    /// assert!(low.difference(&even).iter().eq([1, 3]));
    /// assert!(low.remove(3) && !low.insert(0));
    /// ```
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self(&self.0 | &other.0)
    }

    /// The entries of both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self(&self.0 & &other.0)
    }

    /// The entries of this set that are not in the other.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        Self(&self.0 - &other.0)
    }

    /// The bytes the bitmap takes when written out, a close measure of what it holds in memory.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.0.serialized_size()
    }
}

impl FromIterator<i64> for EntrySet {
    fn from_iter<I: IntoIterator<Item = i64>>(entries: I) -> Self {
        Self(entries.into_iter().map(to_bit).collect())
    }
}

impl Extend<i64> for EntrySet {
    fn extend<I: IntoIterator<Item = i64>>(&mut self, entries: I) {
        self.0.extend(entries.into_iter().map(to_bit));
    }
}

/// The number of entries and the first few: a filter may hold millions.
impl fmt::Debug for EntrySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 8;
        let first: Vec<i64> = self.iter().take(SHOWN).collect();
        write!(f, "EntrySet({} entries, first {first:?})", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_every_id_in_signed_order() {
        let ids = [i64::MIN, -5, 0, 1, 1 << 40, i64::MAX];
        let set: EntrySet = ids.into_iter().rev().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), ids);
        assert!(ids.iter().all(|&id| set.contains(id)));
        assert!(!set.contains(2));
    }

    #[test]
    fn set_algebra() {
        let a: EntrySet = [1, 2, 3].into_iter().collect();
        let mut b: EntrySet = [3, 4].into_iter().collect();
        assert_eq!(a.union(&b).len(), 4);
        assert_eq!(a.intersection(&b).iter().collect::<Vec<_>>(), [3]);
        assert_eq!(a.difference(&b).iter().collect::<Vec<_>>(), [1, 2]);
        assert!(b.insert(9) && !b.insert(9) && b.remove(9) && !b.remove(9));
        b.clear();
        assert!(b.is_empty());
        assert_eq!(format!("{a:?}"), "EntrySet(3 entries, first [1, 2, 3])");
    }
}
