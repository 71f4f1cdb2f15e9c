//! What engines have in common, for who implements [`Store`](crate::Store) on a database of their own: how values are stored,
//! checked on the way in, and read again. Everything here is the same in a file of SQLite's. The index of words is all here, but for
//! its tables ([`WordTables`]).

mod scope_rows;

use std::sync::Mutex;

use serde::de::DeserializeOwned;

pub use scope_rows::ScopeRows;

pub use crate::words::index::Page as WordPage;
pub use crate::words::stored::{
    NewWordSegment, NewWords, SegmentState, StoredText, WordIndex, WordMemory, WordSegment, WordTables,
    rebuild_words, search_words, words_before_commit,
};

use crate::id::IdGenerator;
use crate::lock::lock;
use crate::vector::{self, SPACE_DIMENSIONS};
use crate::{
    Entry, EntryId, Error, Relation, SourceRef, Status, StoredSection, StoredSource, TextDigest, json,
    limits, source,
};

/// Makes ids that only grow, also when the clock stands still or goes back: one for each store.
#[derive(Debug, Default)]
pub struct Ids(Mutex<IdGenerator>);

impl Ids {
    /// The next id at this time. With `newest`, the newest one in the store, which another process may have made this very
    /// millisecond, it is greater than that, unless that one is of the future (a clock that was wrong once).
    ///
    /// # Errors
    /// [`Error::Random`] when the system has no random bits to give.
    pub fn next(&self, newest: Option<EntryId>, now_ms: i64) -> Result<EntryId, Error> {
        let mut ids = lock(&self.0);
        if let Some(newest) = newest {
            ids.observe(newest, now_ms);
        }
        ids.next(now_ms)
    }
}

/// JSON as it stands in a store. A number that cannot be held exactly becomes a text of its digits.
///
/// # Errors
/// What the text is not.
pub fn read_json<T: DeserializeOwned>(text: &str) -> serde_json::Result<T> {
    json::read(text)
}

/// Refuses a vector that would poison a search.
///
/// # Errors
/// [`Error::VectorLength`], [`Error::VectorValue`].
pub fn check_vector(values: &[f32], dimensions: usize) -> Result<(), Error> {
    vector::check(values, dimensions)
}

/// The bytes that a vector is stored as: little-endian.
#[must_use]
pub fn vector_bytes(values: &[f32]) -> Vec<u8> {
    let mut bytes = Vec::new();
    vector::encode(values, &mut bytes);
    bytes
}

/// Refuses dimensions that no space can have.
///
/// # Errors
/// [`Error::OutOfRange`].
pub fn check_dimensions(dimensions: usize) -> Result<(), Error> {
    if SPACE_DIMENSIONS.contains(&dimensions) {
        return Ok(());
    }
    Err(Error::OutOfRange { field: "dimensions", expected: "1 to 65536", got: dimensions.to_string() })
}

/// Refuses a link that could not be kept.
///
/// # Errors
/// [`Error::Empty`], [`Error::TooLong`], [`Error::Nul`].
pub fn check_link(relation: &Relation, reason: Option<&str>) -> Result<(), Error> {
    limits::check_link(relation, reason)
}

/// A URI, or a part of one, without the slashes at its end: what lies under it is it, or begins with it and a slash.
#[must_use]
pub fn root_of(uri: &str) -> &str {
    source::prefix(uri)
}

/// What ends a set of so many blocks of an index, as a block of its own.
#[must_use]
pub fn seal(blocks: i64) -> [u8; 16] {
    let mut seal = [0; 16];
    seal[..8].copy_from_slice(b"RKLSEAL\x02");
    seal[8..].copy_from_slice(&blocks.to_le_bytes());
    seal
}

/// A name that no other process gives: 16 hexadecimal digits.
///
/// # Errors
/// [`Error::Random`] when the system has no random bits to give.
pub fn random_name() -> Result<String, Error> {
    Ok(format!("{:016x}", crate::id::random(64)?))
}

/// Up to `most` places of the range, evenly spread over it, and any first part of them is so, too: multiples of the golden
/// ratio where few are wanted of many, else one after the other.
pub fn spread_over(first: i64, last: i64, most: usize) -> impl Iterator<Item = i64> {
    const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
    let width = u64::try_from(last.saturating_sub(first)).unwrap_or(0);
    let place = move |number: u64| {
        if width < most as u64 {
            return number.cast_signed();
        }
        let place = (u128::from(number.wrapping_mul(GOLDEN)) * (u128::from(width) + 1)) >> 64;
        i64::try_from(place).unwrap_or(i64::MAX)
    };
    let places = (0..most as u64).map(move |number| first.saturating_add(place(number)));
    places.take_while(move |&place| place <= last)
}

/// An entry as it is stored: texts, and JSON as text.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the columns of the table, which docs/storage.md describes")]
pub struct EntryColumns<'r> {
    pub ulid: &'r str,
    pub title: &'r str,
    pub content: &'r str,
    pub kind: &'r str,
    pub project: Option<&'r str>,
    pub tags: &'r str,
    pub status: &'r str,
    /// The id of the entry that replaced it.
    pub superseded_by: Option<&'r str>,
    pub confidence: i64,
    pub memory_type: &'r str,
    pub context: Option<&'r str>,
    pub metadata: &'r str,
    pub legacy: Option<&'r str>,
    pub created_at: i64,
    pub updated_at: i64,
    pub expires_at: Option<i64>,
    pub valid_from: Option<i64>,
    pub valid_to: Option<i64>,
    /// URI of its source, and of its place there the path, line and digest.
    pub place: Option<(&'r str, &'r str, Option<i64>, &'r [u8])>,
}

impl EntryColumns<'_> {
    /// The entry.
    ///
    /// # Errors
    /// [`Error::UnreadableEntry`]; [`Error::Corrupt`] if not even its id can be read.
    pub fn read(&self) -> Result<Entry, Error> {
        let id = entry_id(self.ulid)?;
        let unreadable = |column: &str, error: &dyn std::fmt::Display| Error::UnreadableEntry {
            id,
            detail: format!("{column}: {error}"),
        };
        Ok(Entry {
            id,
            title: self.title.to_owned(),
            content: self.content.to_owned(),
            kind: self.kind.to_owned(),
            project: self.project.map(str::to_owned),
            tags: json::read(self.tags).map_err(|error| unreadable("tags", &error))?,
            status: if self.status == Status::Active.name() { Status::Active } else { Status::Obsolete },
            superseded_by: self
                .superseded_by
                .map(|newer| newer.parse().map_err(|error| unreadable("superseded_by", &error)))
                .transpose()?,
            confidence: u8::try_from(self.confidence).map_err(|error| unreadable("confidence", &error))?,
            memory_type: self.memory_type.to_owned(),
            context: self
                .context
                .map(|text| json::read(text).map_err(|error| unreadable("context", &error)))
                .transpose()?,
            metadata: json::read(self.metadata).map_err(|error| unreadable("metadata", &error))?,
            legacy: self
                .legacy
                .map(|text| json::read(text).map_err(|error| unreadable("legacy", &error)))
                .transpose()?,
            created_at: self.created_at,
            updated_at: self.updated_at,
            expires_at: self.expires_at,
            valid_from: self.valid_from,
            valid_to: self.valid_to,
            // What cannot be read of it is left out: an entry can be read without.
            source: self.place.map(|(uri, path, line, digest)| SourceRef {
                uri: uri.to_owned(),
                path: json::read(path).unwrap_or_default(),
                line: line.and_then(|line| u32::try_from(line).ok()),
                digest: TextDigest::from_stored(digest),
            }),
        })
    }
}

/// An id as it is stored.
///
/// # Errors
/// [`Error::Corrupt`] for anything else.
pub fn entry_id(stored: &str) -> Result<EntryId, Error> {
    stored.parse().map_err(|error| Error::Corrupt { detail: format!("{error}") })
}

/// A source as it is stored.
#[must_use]
pub fn stored_source(
    number: i64,
    uri: &str,
    stamp: Option<&str>,
    digest: &[u8],
    synced_at: i64,
    sections: i64,
) -> StoredSource {
    StoredSource {
        number,
        uri: uri.to_owned(),
        stamp: stamp.map(str::to_owned),
        digest: TextDigest::from_stored(digest),
        synced_at,
        sections: sections.unsigned_abs(),
    }
}

/// A section as it is stored.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the columns of the table, which docs/storage.md describes")]
pub struct SectionColumns<'r> {
    pub row: i64,
    pub ulid: &'r str,
    pub source: i64,
    pub number: i64,
    pub path: &'r str,
    pub line: Option<i64>,
    pub digest: &'r [u8],
    pub tags: &'r str,
}

impl SectionColumns<'_> {
    /// The section.
    ///
    /// # Errors
    /// [`Error::Corrupt`].
    pub fn read(&self) -> Result<StoredSection, Error> {
        let list = |column: &str, text: &str| {
            json::read(text)
                .map_err(|error| Error::Corrupt { detail: format!("{column} of a section: {error}") })
        };
        let line = self.line.map(u32::try_from).transpose();
        Ok(StoredSection {
            row: self.row,
            id: entry_id(self.ulid)?,
            source: self.source,
            number: self.number,
            path: list("path", self.path)?,
            line: line.map_err(|error| Error::Corrupt { detail: format!("line of a section: {error}") })?,
            digest: TextDigest::from_stored(self.digest),
            tags: list("tags", self.tags)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_greater_than_the_newest_one_unless_that_is_of_the_future() {
        let ids = Ids::default();
        let newest = ids.next(None, 5_000).unwrap();
        assert!(Ids::default().next(Some(newest), 5_000).unwrap() > newest);
        assert!(Ids::default().next(Some(newest), 4_000).unwrap() < newest);
    }

    #[test]
    fn places_are_spread_over_a_range_and_are_all_of_a_short_one() {
        assert_eq!(spread_over(3, 6, 10).collect::<Vec<_>>(), [3, 4, 5, 6]);
        let mut few: Vec<i64> = spread_over(0, 999, 10).chain([1_000]).collect();
        few.sort_unstable();
        assert_eq!(few.len(), 11);
        let widest = few.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
        assert!(widest < 200, "{widest}: {few:?}");
        assert_eq!(spread_over(i64::MIN, i64::MAX, 3).count(), 3);
    }
}
