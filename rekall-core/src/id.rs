//! Entry ids: ULIDs, monotonic within a file.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use ulid::{Generator, Ulid};

use crate::Error;

/// The public name of an entry: a ULID (<https://github.com/ulid/spec>), 26 characters of Crockford base 32.
///
/// Ids sort by the time they were made, to the millisecond, and ids made by one store never go backwards.
///
/// ```
/// # use rekall_core::EntryId;
/// let id: EntryId = "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse()?;
/// assert_eq!(id.to_string(), "01ARZ3NDEKTSV4RRFFQ69G5FAV");
/// assert!("not an id".parse::<EntryId>().is_err());
/// # Ok::<(), rekall_core::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EntryId(Ulid);

impl EntryId {
    /// Number of characters of the text form.
    pub const TEXT_LEN: usize = 26;

    /// When the id was made: milliseconds since 1970 (UTC).
    #[must_use]
    pub fn timestamp_ms(&self) -> u64 {
        self.0.timestamp_ms()
    }

    /// The 128 bits, most significant byte first: their order is the order of the ids.
    #[must_use]
    pub const fn to_bytes(&self) -> [u8; 16] {
        self.0.to_bytes()
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut buffer = [0; Self::TEXT_LEN];
        f.pad(self.0.array_to_str(&mut buffer))
    }
}

impl fmt::Debug for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for EntryId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let invalid = || Error::InvalidId { got: text.chars().take(64).collect() };
        if text.len() != Self::TEXT_LEN {
            return Err(invalid());
        }
        Ulid::from_string(text).map(Self).map_err(|_| invalid())
    }
}

impl TryFrom<String> for EntryId {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<EntryId> for String {
    fn from(id: EntryId) -> Self {
        id.to_string()
    }
}

/// Makes ids that only grow, also when the clock stands still or goes back.
#[derive(Debug, Default)]
pub(crate) struct IdGenerator {
    generator: Generator,
    newest: Option<EntryId>,
}

impl IdGenerator {
    /// Takes note of the newest id in the file, which another process may have made this very
    /// millisecond. Ids from the future (a clock that was wrong once) are not followed.
    pub(crate) fn observe(&mut self, newest: EntryId, now_ms: i64) {
        if i64::try_from(newest.timestamp_ms()).is_ok_and(|made| made <= now_ms) {
            self.newest = self.newest.max(Some(newest));
        }
    }

    pub(crate) fn next(&mut self, now_ms: i64) -> EntryId {
        let now = UNIX_EPOCH + Duration::from_millis(u64::try_from(now_ms).unwrap_or(0));
        let made = match self.generator.generate_from_datetime(now) {
            Ok(ulid) => ulid,
            Err(overflow) => overflow.commit_overflow_increment(),
        };
        let id = match self.newest {
            Some(newest) if newest.0 >= made => EntryId(newest.0.increment().unwrap_or(made)),
            _ => EntryId(made),
        };
        self.newest = Some(id);
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_grow_when_the_clock_stands_still_or_goes_back() {
        let mut generator = IdGenerator::default();
        let mut last = generator.next(1_000);
        for now in [1_000, 1_000, 999, 0, -5, 1_000, 1_001] {
            let id = generator.next(now);
            assert!(id > last, "{id} after {last} at {now}");
            last = id;
        }
    }

    #[test]
    fn ids_follow_another_process_but_not_into_the_future() {
        let mut generator = IdGenerator::default();
        let theirs = IdGenerator::default().next(5_000);
        generator.observe(theirs, 5_000);
        let ours = generator.next(5_000);
        assert!(ours > theirs);
        let future = IdGenerator::default().next(9_000_000);
        generator.observe(future, 5_001);
        assert!(generator.next(5_001) < future);
    }

    #[test]
    fn lower_case_ids_are_read_and_odd_ones_refused() {
        let id: EntryId = "01arz3ndektsv4rrffq69g5fav".parse().unwrap();
        assert_eq!(id.to_string(), "01ARZ3NDEKTSV4RRFFQ69G5FAV");
        for bad in
            ["", "01ARZ3NDEKTSV4RRFFQ69G5FA", "01ARZ3NDEKTSV4RRFFQ69G5FAU!", "é1ARZ3NDEKTSV4RRFFQ69G5FA"]
        {
            assert!(matches!(bad.parse::<EntryId>(), Err(Error::InvalidId { .. })), "{bad}");
        }
    }
}
