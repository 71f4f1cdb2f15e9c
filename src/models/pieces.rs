//! From an entry's texts to its vectors.

use std::ops::ControlFlow;

use rekall_core::{EntryPassages, EntryText, NewVector, Role, SpaceId, StoredVector, TextDigest, VectorKey};
use rekall_model::{Embedder, Embeddings, embed_in_parts};

use crate::Error;

/// The text of a passage as it is embedded: it gets one vector.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Piece {
    pub(crate) role: Role,
    /// That of the passage.
    pub(crate) number: u16,
    /// Where the passage stands in the role's text, in characters.
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) digest: TextDigest,
    text: String,
}

impl Piece {
    pub(crate) fn key(&self, entry: i64) -> VectorKey {
        VectorKey { entry, role: self.role.number(), chunk: self.number }
    }

    pub(crate) fn vector<'a>(&self, space: SpaceId, values: &'a [f32]) -> NewVector<'a> {
        NewVector {
            space,
            role: self.role,
            chunk: self.number,
            start: self.start,
            end: self.end,
            digest: self.digest,
            values,
        }
    }
}

/// A vector that the host made: it stands for the whole summary.
pub(crate) fn host_vector<'a>(text: EntryText<'_>, space: SpaceId, values: &'a [f32]) -> NewVector<'a> {
    let (digest, end) = whole_summary(text);
    NewVector { space, role: Role::Summary, chunk: 0, start: 0, end, digest, values }
}

/// The pieces of an entry: one for each passage.
pub(crate) fn pieces(text: EntryText<'_>) -> Vec<Piece> {
    let passages = EntryPassages::of(text);
    let piece = |passage: rekall_core::EntryPassage<'_>| {
        let text = passage.embedded_text().into_owned();
        let chars = passage.chars();
        Piece {
            role: passage.role,
            number: passage.number,
            start: u32::try_from(chars.start).unwrap_or(u32::MAX),
            end: u32::try_from(chars.end).unwrap_or(u32::MAX),
            digest: TextDigest::of(&text),
            text,
        }
    };
    passages.iter().map(piece).collect()
}

/// Leaves of an entry's stored vectors those whose text is still there unchanged, and of its pieces those
/// that have no vector yet. A vector that a host made of the whole summary stands for all of its passages.
pub(crate) fn reuse_unchanged(
    (entry, text): (i64, EntryText<'_>),
    space: SpaceId,
    stored: &mut Vec<StoredVector>,
    pieces: &mut Vec<Piece>,
) {
    let summary = whole_summary(text);
    let is_whole = |stored: &StoredVector| {
        stored.space == space
            && (stored.key.role, stored.key.chunk, stored.start) == (Role::Summary.number(), 0, 0)
            && (stored.digest, stored.end) == summary
    };
    let fits = |stored: &StoredVector, piece: &Piece| {
        stored.space == space
            && stored.key == piece.key(entry)
            && stored.digest == piece.digest
            && (stored.start, stored.end) == (piece.start, piece.end)
    };
    stored.retain(|stored| is_whole(stored) || pieces.iter().any(|piece| fits(stored, piece)));
    let has_whole = stored.iter().any(is_whole);
    pieces.retain(|piece| {
        !(has_whole && piece.role == Role::Summary || stored.iter().any(|stored| fits(stored, piece)))
    });
}

/// Digest and length in characters of an entry's summary.
fn whole_summary(text: EntryText<'_>) -> (TextDigest, u32) {
    let text = text.role(Role::Summary).unwrap_or_default();
    (TextDigest::of(&text), u32::try_from(text.chars().count()).unwrap_or(u32::MAX))
}

/// Embeds the pieces, each whole, in one call; `observe` is called with how many are done and may stop the work.
pub(crate) fn embed(
    pieces: &[&Piece],
    embedder: &dyn Embedder,
    observe: impl FnMut(usize) -> ControlFlow<()>,
) -> Result<Embeddings, Error> {
    let texts: Vec<&str> = pieces.iter().map(|piece| piece.text.as_str()).collect();
    Ok(embed_in_parts(embedder, &texts, observe)?)
}

/// A host's vector brought to length 1.
pub(crate) fn normalized(vector: &[f32], dimensions: usize) -> Result<Vec<f32>, Error> {
    if vector.len() != dimensions {
        return Err(Error::VectorLength { expected: dimensions, got: vector.len() });
    }
    if let Some(at) = vector.iter().position(|value| !value.is_finite()) {
        return Err(Error::VectorValue { problem: format!("{} at component {at}", vector[at]) });
    }
    let norm = vector.iter().map(|&value| f64::from(value) * f64::from(value)).sum::<f64>().sqrt();
    if norm < f64::from(f32::MIN_POSITIVE) {
        return Err(Error::VectorValue { problem: format!("length {norm}") });
    }
    Ok(vector.iter().map(|&value| (f64::from(value) / norm) as f32).collect())
}
