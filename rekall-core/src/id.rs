//! Entry ids: ULIDs, monotonic within a file.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use ulid::Ulid;

use crate::Error;

/// The public name of an entry: a ULID (<https://github.com/ulid/spec>), 26 characters of Crockford base 32.
///
/// Ids sort by the time they were made, to the millisecond, and ids made by one store never go backwards. Each has one
/// spelling, in capitals, and no other is read: of two texts that differ at most one names an entry.
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
    ///
    /// ```
    /// # use rekall_core::EntryId;
    /// let id: EntryId = "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse()?;
    /// assert_eq!(id.timestamp_ms(), 1_469_922_850_259);
    /// # Ok::<(), rekall_core::Error>(())
    /// ```
    #[must_use]
    pub fn timestamp_ms(&self) -> u64 {
        self.0.timestamp_ms()
    }

    /// The 128 bits, most significant byte first: their order is the order of the ids.
    ///
    /// ```
    /// # use rekall_core::EntryId;
    /// let id: EntryId = "00000000000000000000000001".parse()?;
    /// assert_eq!(id.to_bytes()[15], 1);
    /// # Ok::<(), rekall_core::Error>(())
    /// ```
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
        // The decoder also takes small letters, I, L and O, and drops what 128 bits cannot hold: other names of an id.
        let id = Ulid::from_string(text).map(Self).map_err(|_| invalid())?;
        let mut canonical = [0; Self::TEXT_LEN];
        if id.0.array_to_str(&mut canonical) == text { Ok(id) } else { Err(invalid()) }
    }
}

impl EntryId {
    /// Reads an id that another program may have spelt in small letters.
    #[cfg(feature = "sqlite")]
    pub(crate) fn in_any_case(text: &str) -> Option<Self> {
        text.to_ascii_uppercase().parse().ok()
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
///
/// All random bits come from the system, for each id again: state of this process would be the same in a forked child,
/// and thread-locals are gone in functions that run when the process exits.
#[derive(Debug, Default)]
pub(crate) struct IdGenerator {
    newest: Option<EntryId>,
}

/// The last millisecond that an id can name, in the year 10889.
const LAST_MS: u64 = (1 << 48) - 1;
/// Random bits of an id.
const RANDOM_BITS: u32 = 80;
/// Random bits of the step to the next id of the same millisecond: two processes that step from the same id do not
/// meet, and a million steps do not use the millisecond up.
const STEP_BITS: u32 = 56;

impl IdGenerator {
    /// Takes note of the newest id in the file, which another process may have made this very
    /// millisecond. Ids from the future (a clock that was wrong once) are not followed.
    pub(crate) fn observe(&mut self, newest: EntryId, now_ms: i64) {
        if i64::try_from(newest.timestamp_ms()).is_ok_and(|made| made <= now_ms) {
            self.newest = self.newest.max(Some(newest));
        }
    }

    /// # Errors
    /// [`Error::Random`] when the system has no random bits to give.
    pub(crate) fn next(&mut self, now_ms: i64) -> Result<EntryId, Error> {
        let now = u64::try_from(now_ms).unwrap_or(0).min(LAST_MS);
        let next = match self.newest {
            // A step over the end of the millisecond goes into the next one.
            Some(newest) if newest.timestamp_ms() >= now => {
                newest.0.0.checked_add(1 + random(STEP_BITS)?).map(Ulid)
            }
            _ => None,
        };
        let id = match next {
            Some(next) => EntryId(next),
            None => EntryId(Ulid::from_parts(now, random(RANDOM_BITS)?)),
        };
        self.newest = Some(id);
        Ok(id)
    }
}

/// So many random bits of the system's, 128 at the most.
pub(crate) fn random(bits: u32) -> Result<u128, Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes[..bits.div_ceil(8) as usize])
        .map_err(|error| Error::Random { source: error.into() })?;
    Ok(u128::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn next(generator: &mut IdGenerator, now_ms: i64) -> EntryId {
        generator.next(now_ms).unwrap()
    }

    #[test]
    fn ids_grow_when_the_clock_stands_still_or_goes_back() {
        let mut generator = IdGenerator::default();
        let mut last = next(&mut generator, 1_000);
        for now in [1_000, 1_000, 999, 0, -5, 1_000, 1_001] {
            let id = next(&mut generator, now);
            assert!(id > last, "{id} after {last} at {now}");
            last = id;
        }
        assert_eq!(next(&mut generator, 5_000).timestamp_ms(), 5_000);
    }

    #[test]
    fn a_million_ids_of_one_millisecond_hardly_leave_it() {
        let mut generator = IdGenerator::default();
        let mut last = next(&mut generator, 1_000);
        for _ in 0..1_000_000 {
            let id = next(&mut generator, 1_000);
            assert!(id > last);
            last = id;
        }
        assert!(last.timestamp_ms() <= 1_001, "{last}");
    }

    #[test]
    fn what_a_fork_copies_does_not_make_the_same_ids() {
        for newest in [None, Some(next(&mut IdGenerator::default(), 5_000))] {
            let made: HashSet<EntryId> = (0..100)
                .flat_map(|_| {
                    let mut child = IdGenerator { newest };
                    [next(&mut child, 5_000), next(&mut child, 5_000)]
                })
                .collect();
            assert_eq!(made.len(), 200);
        }
    }

    #[test]
    fn ids_follow_another_process_but_not_into_the_future() {
        let mut generator = IdGenerator::default();
        let theirs = next(&mut IdGenerator::default(), 5_000);
        generator.observe(theirs, 5_000);
        let ours = next(&mut generator, 5_000);
        assert!(ours > theirs);
        let future = next(&mut IdGenerator::default(), 9_000_000);
        generator.observe(future, 5_001);
        assert!(next(&mut generator, 5_001) < future);
    }

    #[test]
    fn every_id_has_one_spelling() {
        const DIGITS: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        for at in 0..EntryId::TEXT_LEN {
            for character in (0..=0x7f_u8).map(char::from) {
                let mut text = "01ARZ3NDEKTSV4RRFFQ69G5FAV".to_owned();
                text.replace_range(at..=at, &character.to_string());
                let sound = DIGITS.contains(character) && (at > 0 || character < '8');
                match text.parse::<EntryId>() {
                    Ok(id) => assert!(sound && id.to_string() == text, "{text} was taken for {id}"),
                    Err(Error::InvalidId { got }) => assert!(!sound && got == text, "{text} was refused"),
                    Err(other) => panic!("{other}"),
                }
            }
        }
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for bad in [
            "",
            "01ARZ3NDEKTSV4RRFFQ69G5FA",
            "01ARZ3NDEKTSV4RRFFQ69G5FAU!",
            "é1ARZ3NDEKTSV4RRFFQ69G5FA",
            "01arz3ndektsv4rrffq69g5fav",
            "81M8Z3NDEKTSV4RRFFQ69G5FAV",
            "zzzzzzzzzzzzzzzzzzzzzzzzzz",
        ] {
            assert!(matches!(bad.parse::<EntryId>(), Err(Error::InvalidId { .. })), "{bad}");
            let quoted = format!("{bad:?}");
            assert!(serde_json::from_str::<EntryId>(&quoted).is_err(), "{bad}");
        }
        let small = "01arz3ndektsv4rrffq69g5fav";
        assert_eq!(EntryId::in_any_case(small).unwrap().to_string(), small.to_uppercase());
        assert_eq!(EntryId::in_any_case("81M8Z3NDEKTSV4RRFFQ69G5FAV"), None);
    }
}
