//! From an entry's texts to its vectors.

use std::ops::ControlFlow;

use rekall_core::{
    EntryText, NewVector, Role, SpaceId, StoredVector, TextDigest, VectorKey, split_into_chunks,
};
use rekall_model::{Embedder, Embeddings};

use crate::Error;

/// A piece of text that gets a vector of its own.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Piece {
    pub(crate) role: Role,
    pub(crate) chunk: u16,
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) digest: TextDigest,
    pub(crate) text: String,
}

impl Piece {
    pub(crate) fn key(&self, entry: i64) -> VectorKey {
        VectorKey { entry, role: self.role.number(), chunk: self.chunk }
    }

    pub(crate) fn vector<'a>(&self, space: SpaceId, values: &'a [f32]) -> NewVector<'a> {
        NewVector {
            space,
            role: self.role,
            chunk: self.chunk,
            start: self.start,
            end: self.end,
            digest: self.digest,
            values,
        }
    }
}

/// A vector that the host made: it stands for the whole summary.
pub(crate) fn host_vector<'a>(text: EntryText<'_>, space: SpaceId, values: &'a [f32]) -> NewVector<'a> {
    let text = text.role(Role::Summary).unwrap_or_default();
    NewVector {
        space,
        role: Role::Summary,
        chunk: 0,
        start: 0,
        end: u32::try_from(text.chars().count()).unwrap_or(u32::MAX),
        digest: TextDigest::of(&text),
        values,
    }
}

/// The pieces of an entry: each role's text, split where it is longer than the model reads.
pub(crate) fn pieces(text: EntryText<'_>, embedder: &dyn Embedder) -> Result<Vec<Piece>, Error> {
    let mut pieces = Vec::new();
    for role in Role::ALL {
        let Some(text) = text.role(role) else { continue };
        for (number, chunk) in chunks(&text, embedder)?.into_iter().enumerate() {
            let Ok(number) = u16::try_from(number) else {
                // 65,536 chunks of hundreds of tokens: beyond the longest content that is accepted.
                break;
            };
            let text = text[chunk.bytes].to_owned();
            pieces.push(Piece {
                role,
                chunk: number,
                start: u32::try_from(chunk.chars.start).unwrap_or(u32::MAX),
                end: u32::try_from(chunk.chars.end).unwrap_or(u32::MAX),
                digest: TextDigest::of(&text),
                text,
            });
        }
    }
    Ok(pieces)
}

fn chunks(text: &str, embedder: &dyn Embedder) -> Result<Vec<rekall_core::Chunk>, Error> {
    let limit = embedder.max_tokens().unwrap_or(usize::MAX);
    // A token is at least a byte, and at most one more a word comes from the model: no need to count.
    if text.len().saturating_mul(2) <= limit {
        return Ok(split_into_chunks(text, usize::MAX, |_| 0));
    }
    let mut failed = None;
    let chunks = split_into_chunks(text, limit, |part| match embedder.count_tokens(part) {
        Ok(count) => count,
        Err(error) => {
            failed = Some(error);
            0
        }
    });
    failed.map_or(Ok(chunks), |error| Err(error.into()))
}

/// Leaves of an entry's stored vectors those whose text is still there unchanged, and of its pieces those
/// that have no vector yet.
pub(crate) fn reuse_unchanged(
    entry: i64,
    space: SpaceId,
    stored: &mut Vec<StoredVector>,
    pieces: &mut Vec<Piece>,
) {
    let fits = |stored: &StoredVector, piece: &Piece| {
        stored.space == space
            && stored.key == piece.key(entry)
            && stored.digest == piece.digest
            && (stored.start, stored.end) == (piece.start, piece.end)
    };
    stored.retain(|stored| pieces.iter().any(|piece| fits(stored, piece)));
    pieces.retain(|piece| !stored.iter().any(|stored| fits(stored, piece)));
}

/// Embeds the pieces, in one call; `observe` is called with how many are done and may stop the work.
pub(crate) fn embed(
    pieces: &[&Piece],
    embedder: &dyn Embedder,
    mut observe: impl FnMut(usize) -> ControlFlow<()>,
) -> Result<Embeddings, Error> {
    let texts: Vec<&str> = pieces.iter().map(|piece| piece.text.as_str()).collect();
    Ok(embedder.embed_documents_observed(&texts, &mut |progress| observe(progress.texts))?)
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
