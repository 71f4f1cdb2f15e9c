//! Which row numbers are a scope's.

use std::ops::RangeInclusive;

use crate::Error;

/// Bits of a row number within a scope.
const ROW_BITS: u32 = 32;

/// What the keys of scopes begin with.
const KEY: char = '\u{1}';

/// Greatest number of a scope.
const MOST: i64 = (1 << 31) - 1;

/// The row numbers of one scope among those of a store.
///
/// The upper 32 bits of a stored row number name the scope: row *n* of scope *s* is stored as *n* - *s* · 2³². The memory without a name is scope 0,
/// whose rows are stored as they are; those of other scopes are negative, so that a database that gives the next greater number never gives one of
/// theirs. Who uses a store sees *n* alone: no number that it could name is a row of another scope.
///
/// ```
/// # use rekall_core::engine::ScopeRows;
/// let scope = ScopeRows::of(7)?;
/// let stored = scope.stored(12);
/// assert_eq!((scope.row(stored), ScopeRows::UNNAMED.stored(12)), (12, 12));
/// assert!(scope.range().contains(&stored) && !ScopeRows::of(8)?.range().contains(&stored));
/// # Ok::<(), rekall_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ScopeRows {
    number: i64,
}

impl ScopeRows {
    /// Those of the memory without a name: all that are not negative.
    pub const UNNAMED: Self = Self { number: 0 };

    /// Those of the scope with this number.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] unless it is 1 to 2³¹ - 1.
    pub fn of(number: i64) -> Result<Self, Error> {
        if !(1..=MOST).contains(&number) {
            return Err(Error::OutOfRange {
                field: "number of a scope",
                expected: "1 to 2147483647",
                got: number.to_string(),
            });
        }
        Ok(Self { number })
    }

    /// Those of the scope that a stored number belongs to.
    #[must_use]
    pub const fn owning(stored: i64) -> Self {
        if stored < 0 && stored >> ROW_BITS >= -MOST {
            Self { number: -(stored >> ROW_BITS) }
        } else {
            Self::UNNAMED
        }
    }

    /// Greatest row number that a scope can have.
    #[must_use]
    pub const fn last_row(self) -> i64 {
        if self.number == 0 { i64::MAX } else { (1 << ROW_BITS) - 1 }
    }

    /// The scope's number; 0: the memory without a name.
    #[must_use]
    pub const fn number(self) -> i64 {
        self.number
    }

    /// The stored number of a row. One that the scope cannot have gives the number that is no row's, [`zero`](Self::zero).
    #[must_use]
    pub fn stored(self, row: i64) -> i64 {
        if self.number == 0 {
            row
        } else if (1..1 << ROW_BITS).contains(&row) {
            self.zero() + row
        } else {
            self.zero()
        }
    }

    /// The stored number to go on after, for a walk in the order of rows: also beside the first row and the last one.
    #[must_use]
    pub fn stored_after(self, row: i64) -> i64 {
        if self.number == 0 { row.max(-1) } else { self.zero() + row.clamp(0, (1 << ROW_BITS) - 1) }
    }

    /// The row that is stored under a number of this scope.
    #[must_use]
    pub const fn row(self, stored: i64) -> i64 {
        if self.number == 0 { stored } else { stored - self.zero() }
    }

    /// The stored number 0 of the scope: no row has it. In the change log it stands for the scope's spaces.
    #[must_use]
    pub const fn zero(self) -> i64 {
        -(self.number << ROW_BITS)
    }

    /// A name that is unique within the scope, as it is stored among those of all: with the scope's number before it. Names of the memory
    /// without a name are stored as they are, and none of them begins with the character that such a key begins with, U+0001.
    ///
    /// ```
    /// # use rekall_core::engine::ScopeRows;
    /// let scope = ScopeRows::of(7)?;
    /// assert_eq!(scope.key("file:///a.md"), "\u{1}7/file:///a.md");
    /// assert_eq!(ScopeRows::UNNAMED.key("file:///a.md"), "file:///a.md");
    /// assert_eq!(scope.name("\u{1}7/file:///a.md"), Some("file:///a.md"));
    /// assert_eq!(scope.name("\u{1}8/file:///a.md"), None);
    /// # Ok::<(), rekall_core::Error>(())
    /// ```
    #[must_use]
    pub fn key(self, name: &str) -> String {
        if self.number == 0 { name.to_owned() } else { format!("{KEY}{}/{name}", self.number) }
    }

    /// The name that a key stands for; `None`: the key is another scope's.
    #[must_use]
    pub fn name(self, key: &str) -> Option<&str> {
        match key.strip_prefix(KEY) {
            None => (self.number == 0).then_some(key),
            Some(rest) => {
                let (number, name) = rest.split_once('/')?;
                (self.number > 0 && number.parse() == Ok(self.number)).then_some(name)
            }
        }
    }

    /// The keys of the scope lie between these two. Those of the memory without a name lie after the first, and have no end.
    #[must_use]
    pub fn keys(self) -> (String, Option<String>) {
        match self.number {
            // ':' comes right after the digits, '0' right after '/'.
            0 => (format!("{KEY}:"), None),
            number => (format!("{KEY}{number}/"), Some(format!("{KEY}{number}0"))),
        }
    }

    /// All stored numbers that are the scope's.
    #[must_use]
    pub const fn range(self) -> RangeInclusive<i64> {
        if self.number == 0 { 0..=i64::MAX } else { self.zero()..=self.zero() + (1 << ROW_BITS) - 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_share_no_number_and_name_themselves_in_the_upper_bits() {
        for number in [1, 2, 7, MOST - 1, MOST] {
            let scope = ScopeRows::of(number).unwrap();
            for row in [1, 2, 1 << 31, (1 << 32) - 1] {
                let stored = scope.stored(row);
                assert_eq!((scope.row(stored), -(stored >> ROW_BITS)), (row, number));
                assert!(scope.range().contains(&stored));
            }
            for none in [0, -1, 1 << 32, i64::MIN, i64::MAX, ScopeRows::UNNAMED.stored(5) - (1 << 33)] {
                assert_eq!(scope.stored(none), scope.zero(), "{none}");
            }
            assert_eq!(scope.stored_after(i64::MIN), scope.zero());
            assert_eq!(scope.stored_after(i64::MAX), *scope.range().end());
            assert!(*scope.range().end() < 0);
        }
        assert_eq!(ScopeRows::owning(5), ScopeRows::UNNAMED);
        assert_eq!(ScopeRows::owning(ScopeRows::of(7).unwrap().stored(5)), ScopeRows::of(7).unwrap());
        for refused in [i64::MIN, -1, 0, MOST + 1] {
            assert!(ScopeRows::of(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn keys_of_a_scope_lie_between_its_bounds_and_those_of_others_do_not() {
        let key = |number, name: &str| match number {
            0 => ScopeRows::UNNAMED.key(name),
            number => ScopeRows::of(number).unwrap().key(name),
        };
        for number in [1, 2, 7, 17, 70, 71, MOST] {
            let scope = ScopeRows::of(number).unwrap();
            let (first, last) = scope.keys();
            let last = last.unwrap();
            for other in [0, 1, 2, 7, 17, 70, 71, MOST] {
                for name in ["", "0", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "~", "/", "\u{10FFFF}"] {
                    let key = key(other, name);
                    assert_eq!(
                        (first.clone()..=last.clone()).contains(&key),
                        other == number,
                        "{key:?} in {number}"
                    );
                    assert_eq!(scope.name(&key), (other == number).then_some(name));
                    assert_eq!(ScopeRows::UNNAMED.name(&key), (other == 0).then_some(name));
                    let unnamed = ScopeRows::UNNAMED.keys().0;
                    assert_eq!(key > unnamed || name.is_empty(), other == 0 || name.is_empty(), "{key:?}");
                }
            }
        }
    }
}
