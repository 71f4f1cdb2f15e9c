//! Reading the entries of the best candidates, and only of these.

use rekall_core::{Error as CoreError, Role, VectorKey};
use rekall_index::{Error as IndexError, Key};

use super::hit::HitChunk;
use super::rank::Ranked;
use super::retrieve::order_by_id;
use crate::vector_index::Snapshot;
use crate::{Entry, EntryId, Error};

/// The first `limit` entries of a ranking that can be read.
pub(super) struct Read {
    /// Best first, equal ones by id.
    pub(super) entries: Vec<(Ranked, Entry)>,
    /// Entries in the way that cannot be read, by id.
    pub(super) unreadable: Vec<EntryId>,
}

/// Reads the best of the candidates, which are ordered by score descending.
pub(super) fn read_best(
    snapshot: &Snapshot<'_>,
    mut ranked: Vec<Ranked>,
    limit: usize,
) -> Result<Read, Error> {
    let mut read = Read { entries: Vec::with_capacity(limit.min(ranked.len())), unreadable: Vec::new() };
    for tied in ranked.chunk_by_mut(|a, b| a.score.total_cmp(&b.score).is_eq()) {
        order_by_id(&*snapshot.tx, tied, |ranked| ranked.candidate.row)?;
    }
    for ranked in ranked {
        if read.entries.len() == limit {
            break;
        }
        let candidate = &ranked.candidate;
        match (snapshot.tx.readable_entries(&[candidate.row])?.pop(), candidate.nearest) {
            (Some((_, Ok(entry))), _) => read.entries.push((ranked, entry)),
            (Some((_, Err(CoreError::UnreadableEntry { id, .. }))), _) => read.unreadable.push(id),
            (Some((_, Err(error))), _) => return Err(error.into()),
            // The index names an entry that was removed without a line in the change log: the search starts
            // over without it.
            (None, Some(near)) => return Err(IndexError::MissingRow { key: near.key }.into()),
            // So does the word index, which `check` reports.
            (None, None) => {}
        }
    }
    read.unreadable.sort_unstable();
    Ok(read)
}

/// The piece of text that a row of the index stands for.
pub(super) fn hit_chunk(snapshot: &Snapshot<'_>, key: Key) -> Result<Option<HitChunk>, Error> {
    let Some(space) = &snapshot.view.space else { return Ok(None) };
    let span =
        snapshot.tx.span(space.id, VectorKey { entry: key.entry, role: key.role, chunk: key.chunk })?;
    Ok(span.zip(Role::from_number(key.role)).map(|((start, end), role)| HitChunk {
        role,
        number: key.chunk,
        start,
        end,
    }))
}
