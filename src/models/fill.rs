//! Giving vectors to entries that are in the file already.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use rekall_core::{
    EntryText, Error as CoreError, LogPosition, NewVector, ReadTx, Role, Space, SpaceState, WriteTx,
};
use rekall_model::{Embedder, Embeddings};
use serde::Serialize;

use super::pieces::{self, Piece};
use crate::long_call::Watch;
use crate::retry::Attempt;
use crate::{Entry, EntryId, Error, Rekall};

/// Entries embedded between two transactions: what is lost when the process dies in the middle.
pub(super) const BATCH: usize = 128;

/// Rounds after which the last entries may take longer, and after which entries that others keep changing are
/// left to the next call.
pub(super) const PATIENT_ROUNDS: usize = 8;

/// What [`Rekall::reembed`] or [`Rekall::embed_pending`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct EmbedReport {
    /// Entries that got vectors.
    pub entries: usize,
    /// Vectors made for them.
    pub vectors: usize,
    /// Entries of which the model knows no word: words find them, meaning does not.
    pub without_meaning: usize,
    /// Entries that cannot be read and therefore got none, by id; [`Rekall::check`] says why,
    /// [`Rekall::repair`] keeps what is left of them.
    pub unreadable: Vec<EntryId>,
}

impl EmbedReport {
    pub(super) fn add(&mut self, more: &Self) {
        self.entries += more.entries;
        self.vectors += more.vectors;
        self.without_meaning += more.without_meaning;
        // Those of one round are met again in the next.
        for &id in &more.unreadable {
            if let Err(place) = self.unreadable.binary_search(&id) {
                self.unreadable.insert(place, id);
            }
        }
    }

    pub(super) fn entries_seen(&self) -> usize {
        self.entries + self.without_meaning + self.unreadable.len()
    }
}

/// A space that is given vectors by its model.
pub(crate) struct Filling<'a> {
    pub(crate) rekall: &'a Rekall,
    pub(crate) space: Space,
    pub(crate) embedder: &'a dyn Embedder,
    /// Row numbers of entries that could not be read.
    pub(super) unreadable: HashSet<i64>,
    /// What was embedded so far, and how long that took.
    pieces: usize,
    time: Duration,
}

impl<'a> Filling<'a> {
    pub(crate) fn new(rekall: &'a Rekall, space: Space, embedder: &'a dyn Embedder) -> Self {
        Self { rekall, space, embedder, unreadable: HashSet::new(), pieces: 0, time: Duration::ZERO }
    }

    /// Embeds some entries and stores their vectors in one transaction. Entries that changed meanwhile are
    /// left for the next round. `None`: the space is no longer in the state that it was in.
    pub(crate) fn fill(&mut self, rows: &[i64], watch: &Watch<'_>) -> Result<Option<Filled>, Error> {
        let texts = Texts::of(&*self.rekall.store.read()?, rows)?;
        self.unreadable.extend(texts.unreadable.iter().map(|(row, _)| row));
        let vectors = self.embed(&texts, watch)?;
        let written = self.rekall.try_write(|tx| match self.state(tx)? == Some(self.space.state) {
            true => texts.write(&vectors, tx, &self.space).map(Attempt::Done),
            false => Ok(Attempt::Outdated(())),
        })?;
        Ok(written.done())
    }

    /// The state of the space as the transaction sees it; `None`: it is gone.
    pub(crate) fn state(&self, tx: &dyn WriteTx) -> Result<Option<SpaceState>, Error> {
        Ok(tx.spaces()?.iter().find(|space| space.id == self.space.id).map(|space| space.state))
    }

    pub(crate) fn embed(&mut self, texts: &Texts, watch: &Watch<'_>) -> Result<Embeddings, Error> {
        let flat: Vec<&Piece> = texts.texts.iter().flat_map(|text| &text.pieces).collect();
        let started = Instant::now();
        let vectors = pieces::embed(&flat, self.embedder, |_| match watch.check_cancelled() {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        })?;
        self.time += started.elapsed();
        self.pieces += flat.len();
        Ok(vectors)
    }

    /// How many pieces the model embeds in that time, going by those it did; none when it did none.
    pub(crate) fn pieces_within(&self, time: Duration) -> usize {
        let seconds = self.time.as_secs_f64().max(1e-6);
        // Saturates.
        (self.pieces as f64 * time.as_secs_f64() / seconds) as usize
    }
}

/// What became of some entries.
pub(crate) struct Filled {
    pub(super) report: EmbedReport,
    /// Those that others changed meanwhile.
    pub(super) left: usize,
}

/// The texts of some entries as they were read.
pub(crate) struct Texts {
    texts: Vec<Text>,
    /// Row numbers and ids of those that cannot be read.
    unreadable: Vec<(i64, EntryId)>,
}

/// The text of one entry.
struct Text {
    row: i64,
    /// Of the entry and its vectors in the active space.
    newest_change: LogPosition,
    entry: Entry,
    pieces: Vec<Piece>,
}

impl Texts {
    pub(crate) fn of(tx: &dyn ReadTx, rows: &[i64]) -> Result<Self, Error> {
        let mut texts = Self { texts: Vec::with_capacity(rows.len()), unreadable: Vec::new() };
        for (row, entry) in tx.readable_entries(rows)? {
            match entry {
                Ok(entry) => {
                    let pieces = pieces::pieces(EntryText::from(&entry));
                    texts.texts.push(Text { row, newest_change: tx.newest_change(row)?, entry, pieces });
                }
                Err(CoreError::UnreadableEntry { id, .. }) => texts.unreadable.push((row, id)),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(texts)
    }

    /// Number of pieces to embed.
    pub(crate) fn len(&self) -> usize {
        self.texts.iter().map(|text| text.pieces.len()).sum()
    }

    /// Marks those that cannot be read as waiting for vectors: they have none in a space that takes over.
    pub(super) fn mark_unreadable_as_pending(&self, tx: &mut dyn WriteTx) -> Result<(), Error> {
        self.unreadable.iter().try_for_each(|&(row, _)| Ok(tx.mark_pending(row)?))
    }

    /// Writes the vectors of the entries that nobody has changed since they were read.
    pub(crate) fn write(
        &self,
        vectors: &Embeddings,
        tx: &mut dyn WriteTx,
        space: &Space,
    ) -> Result<Filled, Error> {
        let (mut report, mut left) = (EmbedReport::default(), 0);
        report.unreadable = self.unreadable.iter().map(|&(_, id)| id).collect();
        report.unreadable.sort_unstable();
        let mut number = 0;
        for Text { row, newest_change, entry, pieces } in &self.texts {
            let new: Vec<NewVector<'_>> = pieces
                .iter()
                .enumerate()
                .filter_map(|(at, piece)| Some(piece.vector(space.id, vectors.row(number + at)?)))
                .collect();
            number += pieces.len();
            // In the active space somebody may have given it a vector meanwhile. In one that is being filled
            // only the text counts: what else changes there is not in the log.
            let unchanged = match space.state {
                SpaceState::Active => tx.newest_change(*row)? == *newest_change,
                _ => tx
                    .readable_entries(&[*row])?
                    .first()
                    .is_some_and(|(_, now)| matches!(now, Ok(now) if same_text(now, entry))),
            };
            if !unchanged {
                left += 1;
                continue;
            }
            if space.state == SpaceState::Active {
                tx.set_vectors(*row, space.id, &[], &new)?;
            } else if tx.stored_vectors(*row)?.iter().any(|stored| stored.space == space.id) {
                // Another process fills the same space, and was faster.
                continue;
            } else {
                tx.insert_vectors(*row, &new)?;
            }
            if new.is_empty() {
                tx.mark_wordless(*row, space.id)?;
            }
            report.entries += usize::from(!new.is_empty());
            report.without_meaning += usize::from(new.is_empty());
            report.vectors += new.len();
        }
        Ok(Filled { report, left })
    }
}

fn same_text(a: &Entry, b: &Entry) -> bool {
    Role::ALL.into_iter().all(|role| EntryText::from(a).role(role) == EntryText::from(b).role(role))
}
