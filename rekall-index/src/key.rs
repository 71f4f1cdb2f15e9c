//! What names a row, and what a search gives back.

use crate::Error;

/// The name of one row: the vector of one chunk, in one role, of one entry.
///
/// `entry` is the host's own id (a SQLite rowid in rekall), `role` says what the vector stands for (below
/// [`Key::ROLES`]), `chunk` numbers the pieces of a text too long for its model. Keys order by entry, then role, then
/// chunk; that order breaks ties between equal similarities.
///
/// # Examples
/// ```
/// use rekall_index::Key;
/// assert!(Key::new(7, 0, 1) < Key::new(7, 1, 0));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The entry this row belongs to; any `i64`.
    pub entry: i64,
    /// What the vector stands for, 0 to 7.
    pub role: u8,
    /// Which piece of the text, from 0.
    pub chunk: u16,
}

impl Key {
    /// How many roles there are: a role is a bit of [`Roles`].
    pub const ROLES: u8 = 8;

    /// The key of (entry, role, chunk). The role is checked where the key is used.
    #[must_use]
    pub const fn new(entry: i64, role: u8, chunk: u16) -> Self {
        Self { entry, role, chunk }
    }

    pub(crate) fn check(self) -> Result<(), Error> {
        if self.role < Self::ROLES { Ok(()) } else { Err(Error::InvalidRole { role: self.role }) }
    }
}

/// One hit: the best row of an entry.
///
/// ```
/// use rekall_index::{Key, Neighbor};
/// let far = Neighbor { key: Key::new(1, 0, 0), similarity: 0.25 };
/// let near = Neighbor { key: Key::new(2, 0, 0), similarity: 0.75 };
/// let mut found = vec![far, near];
/// found.sort_by(Neighbor::rank_cmp);
/// assert_eq!(found, [near, far]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbor {
    /// The row.
    pub key: Key,
    /// Its dot product with the query, about -1 to 1, greater is nearer; see [`similarity`](crate::similarity()).
    pub similarity: f32,
}

impl Neighbor {
    /// The order of results: similarity descending, then key ascending.
    #[must_use]
    pub fn rank_cmp(&self, other: &Self) -> std::cmp::Ordering {
        other.similarity.total_cmp(&self.similarity).then_with(|| self.key.cmp(&other.key))
    }
}

/// A set of roles: bit `r` stands for role `r`.
///
/// ```
/// use rekall_index::Roles;
/// let titles_and_summaries = Roles::only(0).with(1);
/// assert!(titles_and_summaries.contains(1) && !titles_and_summaries.contains(2));
/// assert_eq!(Roles::from_bits(titles_and_summaries.bits()), titles_and_summaries);
/// assert!(Roles::NONE.is_empty());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Roles(u8);

impl Roles {
    /// Every role.
    pub const ALL: Self = Self(u8::MAX);
    /// No role: a search finds nothing.
    pub const NONE: Self = Self(0);

    /// The set with the given bits.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// The bits of the set.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// The set of one role; a role above 7 does not exist and gives [`Roles::NONE`].
    #[must_use]
    pub const fn only(role: u8) -> Self {
        Self::NONE.with(role)
    }

    /// This set and `role`; a role above 7 adds nothing.
    #[must_use]
    pub const fn with(self, role: u8) -> Self {
        if role < Key::ROLES { Self(self.0 | 1 << role) } else { self }
    }

    /// Whether `role` is in the set.
    #[must_use]
    pub const fn contains(self, role: u8) -> bool {
        role < Key::ROLES && self.0 & (1 << role) != 0
    }

    /// Whether no role is in the set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl Default for Roles {
    fn default() -> Self {
        Self::ALL
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_bits() {
        assert!(Roles::ALL.contains(0) && Roles::ALL.contains(7) && !Roles::ALL.contains(8));
        let two = Roles::only(3).with(5);
        assert!(two.contains(3) && two.contains(5) && !two.contains(4));
        assert_eq!(two.bits(), 0b10_1000);
        assert_eq!(Roles::only(8), Roles::NONE);
        assert!(Roles::NONE.is_empty() && !two.is_empty());
    }

    #[test]
    fn results_order_by_similarity_then_key() {
        let hit = |entry, similarity| Neighbor { key: Key::new(entry, 0, 0), similarity };
        let mut hits = [hit(3, 0.5), hit(2, 0.5), hit(9, 0.75), hit(1, -0.5)];
        hits.sort_by(Neighbor::rank_cmp);
        assert_eq!(hits.map(|h| h.key.entry), [9, 2, 3, 1]);
    }
}
