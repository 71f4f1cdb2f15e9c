//! Reading the entries of the best candidates, and only of these.

use std::collections::HashMap;

use rekall_core::store::HitRows;
use rekall_core::{Error as CoreError, Role, VectorKey};
use rekall_index::{Error as IndexError, Key};

use super::hit::HitChunk;
use super::passage_choice::{Compared, Similarities};
use super::rank::Ranked;
use super::retrieve::order_ties;
use crate::vector_index::{Snapshot, stored_key};
use crate::{Entry, EntryId, Error};

/// The first `limit` entries of a ranking that can be read.
pub(super) struct Read {
    /// Best first, equal ones by id.
    pub(super) entries: Vec<(Ranked, Entry)>,
    /// Entries in the way that cannot be read, by id.
    pub(super) unreadable: Vec<EntryId>,
    /// Where the pieces of text stand that the nearest vectors were made from.
    pub(super) spans: Spans,
    /// How near each passage is, of the entries where that decides.
    pub(super) similarities: Similarities,
}

/// Reads the best of the candidates, which are ordered by score descending, and what their hits are made of. `compared`: by what the passages
/// are compared of which meaning and words name different ones.
pub(super) fn read_best(
    snapshot: &Snapshot<'_>,
    mut ranked: Vec<Ranked>,
    limit: usize,
    compared: Option<&Compared<'_>>,
) -> Result<Read, Error> {
    let mut read = Read {
        entries: Vec::with_capacity(limit.min(ranked.len())),
        unreadable: Vec::new(),
        spans: Spans::default(),
        similarities: Similarities::default(),
    };
    let alike = |a: &Ranked, b: &Ranked| a.score.total_cmp(&b.score).is_eq();
    order_ties(&*snapshot.tx, &mut ranked, alike, |ranked| ranked.candidate.row)?;
    let space = snapshot.view.space.as_ref();
    let mut waiting = ranked.into_iter().peekable();
    while read.entries.len() < limit && waiting.peek().is_some() {
        // All that are missing at once: on a server each read is a round trip.
        let next: Vec<Ranked> = waiting.by_ref().take(limit - read.entries.len()).collect();
        let rows: Vec<i64> = next.iter().map(|ranked| ranked.candidate.row).collect();
        let near: Vec<Key> = next.iter().filter_map(|ranked| Some(ranked.candidate.nearest?.key)).collect();
        let spans: Vec<VectorKey> = near.iter().copied().map(stored_key).collect();
        let disputed = compared.map_or_else(Vec::new, |compared| compared.disputed(&next));
        let (vectors_of, more) = disputed.split_at(disputed.len().min(Compared::AT_ONCE));
        let found = snapshot.read_hits(&HitRows {
            entries: &rows,
            space,
            spans: &spans,
            vectors_of,
            ..HitRows::default()
        })?;
        read.spans.add(near, found.spans);
        if let Some(compared) = compared {
            compared.add(&found.vectors, &mut read.similarities);
            compared.read(snapshot, more, &mut read.similarities)?;
        }
        let mut found: HashMap<_, _> = found.entries.into_iter().collect();
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
#[derive(Default)]
pub(super) struct Spans(HashMap<Key, (u32, u32)>);

impl Spans {
    fn add(&mut self, near: Vec<Key>, spans: Vec<Option<(u32, u32)>>) {
        self.0.extend(near.into_iter().zip(spans).filter_map(|(key, span)| Some((key, span?))));
    }

    /// The piece of text that a row of the index stands for.
    pub(super) fn chunk(&self, key: Key) -> Option<HitChunk> {
        let (start, end) = *self.0.get(&key)?;
        Some(HitChunk { role: Role::from_number(key.role)?, number: key.chunk, start, end })
    }
}
