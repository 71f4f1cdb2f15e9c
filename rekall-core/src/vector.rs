//! Vectors as they cross this crate's border, and the one check they pass on the way in.

use std::ops::RangeInclusive;

use crate::{Error, SpaceId, TextDigest};

/// How many components a vector may have.
pub(crate) const SPACE_DIMENSIONS: RangeInclusive<usize> = 1..=65_536;

/// Which text of an entry a vector was made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Role {
    /// Title, content and tags.
    Summary = 0,
    /// The structured context.
    Context = 1,
}

impl Role {
    /// All roles, in the order of their numbers.
    pub const ALL: [Role; 2] = [Role::Summary, Role::Context];

    /// The number stored in the file.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The role with this number, if there is one.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Summary),
            1 => Some(Self::Context),
            _ => None,
        }
    }

    /// `"summary"` or `"context"`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Summary => "summary",
            Self::Context => "context",
        }
    }
}

/// Names one vector of a space: the entry's row number, the role and the passage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VectorKey {
    /// Row number of the entry: stable for the entry's life and never given to another one.
    pub entry: i64,
    /// Role number, see [`Role::number`].
    pub role: u8,
    /// Number of the passage, from 0; see [`EntryPassages`](crate::EntryPassages).
    pub chunk: u16,
}

/// A vector to be stored for an entry.
///
/// ```
/// # use rekall_core::{Draft, NewEntry, NewVector, Role, SqliteStore, Store, StoreOptions, TextDigest};
/// # fn main() -> Result<(), rekall_core::Error> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
/// # let mut tx = store.write()?;
/// # let space = tx.ensure_active_space("my-model/1", 2)?;
/// # let inserted = tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari"))])?;
/// # let row = inserted[0].row;
/// # let vector = NewVector { space: space.id, role: Role::Summary, chunk: 0, start: 0, end: 0, digest: TextDigest::unknown(), values: &[1.0, 0.0] };
/// tx.insert_vectors(row, &[vector])?;
/// let values = [0.6, 0.8];
/// let another = NewVector { chunk: 1, values: &values, ..vector };
/// tx.insert_vectors(row, &[another])?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct NewVector<'a> {
    /// The space it belongs to.
    pub space: SpaceId,
    /// The text it was made from.
    pub role: Role,
    /// Number of the passage, from 0; see [`EntryPassages`](crate::EntryPassages).
    pub chunk: u16,
    /// First character (not byte) of the passage in the role's text.
    pub start: u32,
    /// One past the passage's last character.
    pub end: u32,
    /// Digest of the text that was embedded, see [`EntryPassage::embedded_text`](crate::EntryPassage::embedded_text).
    pub digest: TextDigest,
    /// Components: finite, unit length, as many as the space has dimensions.
    pub values: &'a [f32],
}

/// What is known of a stored vector besides its components.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredVector {
    /// The space it belongs to.
    pub space: SpaceId,
    /// Its name there.
    pub key: VectorKey,
    /// First character of the passage in the role's text.
    pub start: u32,
    /// One past the passage's last character.
    pub end: u32,
    /// Digest of the text it was made from.
    pub digest: TextDigest,
}

/// How far from 1 the length of a vector may be. A row normalized in f32 is off by about 1e-7.
const UNIT_TOLERANCE: f64 = 1e-3;

/// Refuses a vector that would poison a search.
///
/// # Errors
/// [`Error::VectorLength`] and [`Error::VectorValue`].
pub(crate) fn check(values: &[f32], dimensions: usize) -> Result<(), Error> {
    if values.len() != dimensions {
        return Err(Error::VectorLength { expected: dimensions, got: values.len() });
    }
    match problem(values) {
        None => Ok(()),
        Some(problem) => Err(Error::VectorValue { problem }),
    }
}

/// What is wrong with the components, in words; `None` when nothing is.
pub(crate) fn problem(values: &[f32]) -> Option<String> {
    let squares: f64 = values.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
    if !squares.is_finite() {
        let at = values.iter().position(|x| !x.is_finite()).unwrap_or(0);
        return Some(format!("{} at component {at}", values.get(at).copied().unwrap_or(f32::NAN)));
    }
    let norm = squares.sqrt();
    ((norm - 1.0).abs() > UNIT_TOLERANCE).then(|| format!("length {norm}"))
}

/// Little-endian bytes of the components, as stored.
pub(crate) fn encode(values: &[f32], out: &mut Vec<u8>) {
    out.clear();
    out.reserve(values.len() * 4);
    for value in values {
        out.extend_from_slice(&value.to_le_bytes());
    }
}

/// Appends the components to `out`; `None` when the length does not fit.
pub(crate) fn decode(bytes: &[u8], dimensions: usize, out: &mut Vec<f32>) -> Option<()> {
    if dimensions.checked_mul(4) != Some(bytes.len()) {
        return None;
    }
    out.extend(bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])));
    Some(())
}
