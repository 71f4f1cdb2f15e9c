//! Reading the entries of the best candidates, and only of these.

use std::collections::HashMap;

use rekall_core::{Error as CoreError, Role, VectorKey};
use rekall_index::{Error as IndexError, Key};

use super::hit::HitChunk;
use super::rank::Ranked;
use super::retrieve::order_ties;
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
    let alike = |a: &Ranked, b: &Ranked| a.score.total_cmp(&b.score).is_eq();
    order_ties(&*snapshot.tx, &mut ranked, alike, |ranked| ranked.candidate.row)?;
    let mut waiting = ranked.into_iter().peekable();
    while read.entries.len() < limit && waiting.peek().is_some() {
        // All that are missing at once: on a server each read is a round trip.
        let next: Vec<Ranked> = waiting.by_ref().take(limit - read.entries.len()).collect();
        let rows: Vec<i64> = next.iter().map(|ranked| ranked.candidate.row).collect();
        let mut found: HashMap<_, _> = snapshot.tx.readable_entries(&rows)?.into_iter().collect();
        for ranked in next {
            match (found.remove(&ranked.candidate.row), ranked.candidate.nearest) {
                (Some(Ok(entry)), _) => read.entries.push((ranked, entry)),
                (Some(Err(CoreError::UnreadableEntry { id, .. })), _) => read.unreadable.push(id),
                (Some(Err(error)), _) => return Err(error.into()),
                // The index names an entry that was removed without a line in the change log: the search starts
                // over without it.
                (None, Some(near)) => return Err(IndexError::MissingRow { key: near.key }.into()),
                // So does the word index, which `check` reports.
                (None, None) => {}
            }
        }
    }
    read.unreadable.sort_unstable();
    Ok(read)
}

/// Where the pieces of text stand that the nearest rows of the index stand for.
pub(super) struct Spans(HashMap<Key, (u32, u32)>);

impl Spans {
    /// Those of the entries that were read.
    pub(super) fn read(snapshot: &Snapshot<'_>, entries: &[(Ranked, Entry)]) -> Result<Self, Error> {
        let Some(space) = &snapshot.view.space else { return Ok(Self(HashMap::new())) };
        let near: Vec<Key> =
            entries.iter().filter_map(|(ranked, _)| Some(ranked.candidate.nearest?.key)).collect();
        let stored = |key: &Key| VectorKey { entry: key.entry, role: key.role, chunk: key.chunk };
        let keys: Vec<VectorKey> = near.iter().map(stored).collect();
        if keys.is_empty() {
            return Ok(Self(HashMap::new()));
        }
        let spans = snapshot.tx.spans(space.id, &keys)?;
        Ok(Self(near.into_iter().zip(spans).filter_map(|(key, span)| Some((key, span?))).collect()))
    }

    /// The piece of text that a row of the index stands for.
    pub(super) fn chunk(&self, key: Key) -> Option<HitChunk> {
        let (start, end) = *self.0.get(&key)?;
        Some(HitChunk { role: Role::from_number(key.role)?, number: key.chunk, start, end })
    }
}
