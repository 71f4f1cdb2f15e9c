//! Applying a batch: what its texts will be is worked out and embedded first, without a lock; then all of it is written.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use rekall_core::{
    Changes, Draft, EntryText, LogPosition, NewVector, ReadTx, Role, Space, SpaceId, StoredVector,
    TextDigest, WriteTx,
};

use super::batch::{Batch, Operation};
use super::remember::{WORDLESS, postponable};
use crate::event::Event;
use crate::models::Models;
use crate::models::pieces::{self, Piece};
use crate::{Entry, EntryId, Error, Rekall, Watch};

impl Rekall {
    /// An id for an entry to be remembered in a [`Batch`]. Ids made here only grow; entries are listed by id, so one that is
    /// remembered long after its id was made is listed before others that are older than it.
    ///
    /// # Errors
    /// [`Error::Core`] when the system has no random bits to give.
    pub fn new_id(&self) -> Result<EntryId, Error> {
        Ok(self.store.new_id()?)
    }

    /// Does all operations of a batch in one transaction: all of them or none. Each sees what those before it did.
    ///
    /// The model works before the transaction begins: no lock is held meanwhile, and other writers go on. When another
    /// writer changed one of the batch's entries by then, or the file's model, the work on the texts is done once more.
    /// Each entry is embedded once, as it is after the last operation. Progress counts entries embedded. When no model is
    /// at hand, or it knows no word of a text, words find the entry and meaning does not; an [`Event::NotEmbedded`] says so.
    ///
    /// ```
    /// # use rekall::{Batch, NewEntry, Rekall, Watch};
    /// # fn main() -> Result<(), rekall::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// # let bug = rekall.remember(NewEntry::new("Upload fails"))?;
    /// # let guess = rekall.remember(NewEntry::new("It is the proxy"))?;
    /// let fix = rekall.new_id()?;
    /// let mut batch = Batch::new();
    /// batch
    ///     .remember(fix, NewEntry::new("Raise client_max_body_size"))
    ///     .link(fix, bug, "solves", None)
    ///     .supersede_entry(guess, fix);
    /// rekall.apply(&batch, Watch::new())?;
    /// assert_eq!(rekall.get(guess)?.superseded_by, Some(fix));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Operation`] names the one that failed, with what the function of its name on this type fails with, and for
    /// an id that is there already; what the model fails with; [`Error::ModelMismatch`] and [`Error::NoModel`] for vectors
    /// that are given; [`Error::Interrupted`].
    pub fn apply(&self, batch: &Batch, mut watch: Watch<'_>) -> Result<(), Error> {
        loop {
            watch.check_cancelled()?;
            let foreseen = self.foresee(batch)?;
            let made = self.with_models(|models| self.make_vectors(models, &foreseen, &mut watch));
            let made = match made {
                Ok(made) => Ok(made),
                Err(error) if postponable(&error) => Err(error.to_string()),
                Err(error) => return Err(error),
            };
            watch.check_cancelled()?;
            let mut tx = self.store.write()?;
            if foreseen.is_outdated(&tx)? {
                continue;
            }
            for (number, operation) in batch.operations.iter().enumerate() {
                watch.check_cancelled()?;
                perform(&mut tx, operation).map_err(|error| of_operation(number, error.into()))?;
            }
            let events = self.write_vectors(&mut tx, &foreseen, &made)?;
            tx.commit()?;
            events.iter().for_each(|event| self.events.send(event));
            self.after_write();
            return Ok(());
        }
    }

    /// Goes through the batch without writing: which entries will need vectors, and of what text.
    fn foresee(&self, batch: &Batch) -> Result<Foreseen, Error> {
        let tx = self.store.read()?;
        let mut foreseen = Foreseen {
            moment: tx.position()?,
            space: tx.active_space()?,
            rows: HashSet::new(),
            entries: Vec::new(),
            given: None,
        };
        let mut at = HashMap::new();
        for (number, operation) in batch.operations.iter().enumerate() {
            let named = |error: Error| of_operation(number, error);
            match operation {
                Operation::Remember { id, entry, origin, vector } => {
                    entry.validate().map_err(|error| named(error.into()))?;
                    let given = self.given(vector.as_deref(), &mut foreseen).map_err(named)?;
                    let mut coming = Coming::new(Entry::of(entry.clone(), *id, origin.clone(), 0));
                    coming.is_new_text = true;
                    coming.give(given);
                    at.insert(*id, foreseen.entries.len());
                    foreseen.entries.push(coming);
                }
                Operation::Update { id, patch, vector } => {
                    let place = match at.get(id) {
                        Some(&place) => place,
                        None => {
                            let coming = Coming::read(&tx, *id).map_err(named)?;
                            foreseen.rows.extend(coming.row);
                            foreseen.entries.push(coming);
                            at.insert(*id, foreseen.entries.len() - 1);
                            foreseen.entries.len() - 1
                        }
                    };
                    let given = self.given(vector.as_deref(), &mut foreseen).map_err(named)?;
                    let coming = &mut foreseen.entries[place];
                    patch.apply(&mut coming.entry).map_err(|error| named(error.into()))?;
                    coming.is_new_text |= patch.changes_text();
                    coming.give(given);
                }
                Operation::Forget { id } => {
                    // It stays among the others, and asks for nothing.
                    if let Some(place) = at.remove(id) {
                        foreseen.entries[place].is_forgotten = true;
                    }
                }
                Operation::Supersede { .. }
                | Operation::NameSuccessor { .. }
                | Operation::Link { .. }
                | Operation::Unlink { .. } => {}
            }
        }
        foreseen.entries.retain(Coming::gets_vectors);
        Ok(foreseen)
    }

    /// A vector of the host's, brought to length 1.
    fn given(&self, vector: Option<&[f32]>, foreseen: &mut Foreseen) -> Result<Option<Vec<f32>>, Error> {
        let Some(vector) = vector else { return Ok(None) };
        if foreseen.given.is_none() {
            foreseen.given = Some(self.models.load().identity()?);
        }
        let dimensions = foreseen.given.as_ref().map_or(0, |(_, dimensions)| *dimensions);
        pieces::normalized(vector, dimensions).map(Some)
    }

    /// Embeds all texts in one call.
    fn make_vectors(
        &self,
        models: &Models,
        foreseen: &Foreseen,
        watch: &mut Watch<'_>,
    ) -> Result<Made, Error> {
        let mut made = Made::default();
        let wanted: Vec<&Coming> = foreseen.of_text().collect();
        if wanted.is_empty() {
            return Ok(made);
        }
        let lease = models.lease(None)?;
        if let Some(space) = &foreseen.space {
            self.check_model(space, lease.fingerprint().as_str())?;
        }
        for coming in &wanted {
            watch.check_cancelled()?;
            let (mut pieces, mut kept) =
                (pieces::pieces((&coming.entry).into(), &*lease)?, coming.stored.clone());
            match (coming.row, &foreseen.space) {
                (Some(row), Some(space)) => pieces::keep_what_fits(row, space.id, &mut kept, &mut pieces),
                _ => kept.clear(),
            }
            let keeps_given =
                coming.given.as_ref().is_some_and(|given| given.takes_its_place_in(&mut pieces));
            made.entries.push(MadeEntry { kept, pieces, keeps_given });
        }
        let flat: Vec<&Piece> = made.entries.iter().flat_map(|entry| &entry.pieces).collect();
        // Pieces are what the model counts; callers think in entries.
        let (entries, pieces) = (wanted.len(), flat.len().max(1));
        made.vectors = pieces::embed(&flat, &*lease, |done| {
            watch.tell(done * entries / pieces, entries);
            match watch.check_cancelled() {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        })?;
        made.fingerprint = lease.fingerprint().as_str().to_owned();
        Ok(made)
    }

    /// Gives the entries their vectors, and tells what is to be said when they are written.
    fn write_vectors(
        &self,
        tx: &mut WriteTx<'_>,
        foreseen: &Foreseen,
        made: &Result<Made, String>,
    ) -> Result<Vec<Event>, Error> {
        let (mut events, mut number) = (Vec::new(), 0);
        let mut made_entries = made.iter().flat_map(|made| &made.entries);
        for coming in &foreseen.entries {
            let (id, row) = (coming.entry.id, tx.row_of(coming.entry.id)?);
            let mut new: Vec<NewVector<'_>> = Vec::new();
            if !coming.is_new_text {
                let space = self.space_of_given(tx, foreseen)?;
                new.extend(coming.given_vector(space));
                tx.set_vectors(row, space, &[], &new)?;
                continue;
            }
            match made {
                Ok(made) => {
                    let Some(MadeEntry { kept, pieces, keeps_given }) = made_entries.next() else { continue };
                    let space = self.own_space(tx, &made.fingerprint, made.vectors.dimensions)?.id;
                    new.extend(coming.given_vector(space).filter(|_| *keeps_given));
                    for piece in pieces {
                        new.extend(made.vectors.row(number).map(|values| piece.vector(space, values)));
                        number += 1;
                    }
                    let kept: Vec<_> = kept.iter().map(|stored| stored.key).collect();
                    tx.set_vectors(row, space, &kept, &new)?;
                    if kept.is_empty() && new.is_empty() {
                        tx.mark_wordless(row, space)?;
                        events.push(Event::NotEmbedded { id, reason: WORDLESS.to_owned() });
                    }
                }
                Err(reason) => {
                    if let Some(space) = tx.active_space()? {
                        // Vectors of a text that is gone would answer for the new one.
                        tx.set_vectors(row, space.id, &[], &[])?;
                        tx.mark_pending(row)?;
                    }
                    events.push(Event::NotEmbedded { id, reason: reason.clone() });
                }
            }
        }
        Ok(events)
    }

    fn space_of_given(&self, tx: &mut WriteTx<'_>, foreseen: &Foreseen) -> Result<SpaceId, Error> {
        let (fingerprint, dimensions) = foreseen.given.as_ref().ok_or(Error::NoModel)?;
        Ok(self.own_space(tx, fingerprint, *dimensions)?.id)
    }
}

fn of_operation(number: usize, error: Error) -> Error {
    Error::Operation { number, source: Box::new(error) }
}

fn perform(tx: &mut WriteTx<'_>, operation: &Operation) -> Result<(), rekall_core::Error> {
    match operation {
        Operation::Remember { id, entry, origin, .. } => {
            tx.insert(&[Draft::new(entry).id(*id).origin(origin)]).map(drop)
        }
        Operation::Update { id, patch, .. } => tx.update(*id, patch).map(drop),
        Operation::Forget { id } => tx.delete(*id),
        Operation::Supersede { old, new } => tx.supersede(*old, *new).map(drop),
        Operation::NameSuccessor { of, new } => tx.name_successor(*of, *new),
        Operation::Link { source, target, relation, reason, created_at } => {
            tx.link_made_at(*source, *target, relation, reason.as_deref(), *created_at)
        }
        Operation::Unlink { source, target, relation } => tx.unlink(*source, *target, relation).map(drop),
    }
}

/// What a batch will come to, as seen from one moment.
struct Foreseen {
    /// The change log's position then.
    moment: LogPosition,
    space: Option<Space>,
    /// Entries of the file that were looked at.
    rows: HashSet<i64>,
    /// Entries that get vectors.
    entries: Vec<Coming>,
    /// Identity and length of the vectors that are given.
    given: Option<(String, usize)>,
}

/// An entry as it will be.
struct Coming {
    /// `None`: it is new.
    row: Option<i64>,
    entry: Entry,
    /// Whether the model has to look at its text.
    is_new_text: bool,
    /// The host's vector, the last one.
    given: Option<Given>,
    /// What is in the file, unless the host's vector comes in its place.
    stored: Vec<StoredVector>,
    is_forgotten: bool,
}

/// A vector of the host's.
struct Given {
    /// Of length 1.
    values: Vec<f32>,
    /// Of the summary that it was given for.
    digest: TextDigest,
}

/// What the model made, for one entry after the other.
#[derive(Default)]
struct Made {
    fingerprint: String,
    entries: Vec<MadeEntry>,
    vectors: rekall_model::Embeddings,
}

struct MadeEntry {
    /// Vectors that stay.
    kept: Vec<StoredVector>,
    /// Pieces that get new ones.
    pieces: Vec<Piece>,
    keeps_given: bool,
}

impl Foreseen {
    fn of_text(&self) -> impl Iterator<Item = &Coming> {
        self.entries.iter().filter(|coming| coming.is_new_text)
    }

    /// Whether an entry that was looked at, or the file's model, is another one now.
    fn is_outdated(&self, tx: &WriteTx<'_>) -> Result<bool, Error> {
        if tx.active_space()?.map(|space| space.id) != self.space.as_ref().map(|space| space.id) {
            return Ok(true);
        }
        if self.rows.is_empty() {
            return Ok(false);
        }
        Ok(match tx.changes_since(self.moment)? {
            Changes::Lost { .. } => true,
            Changes::Entries { entries, .. } => entries.iter().any(|row| self.rows.contains(row)),
        })
    }
}

impl Coming {
    fn new(entry: Entry) -> Self {
        Self { row: None, entry, is_new_text: false, given: None, stored: Vec::new(), is_forgotten: false }
    }

    fn read(tx: &ReadTx<'_>, id: EntryId) -> Result<Self, Error> {
        let (row, entry) = tx.locate(id)?;
        Ok(Self { row: Some(row), stored: tx.stored_vectors(row)?, ..Self::new(entry) })
    }

    /// The host's vector comes in the place of all, and stays while the summary does.
    fn give(&mut self, values: Option<Vec<f32>>) {
        let Some(values) = values else { return };
        let summary = EntryText::from(&self.entry).role(Role::Summary).unwrap_or_default();
        self.given = Some(Given { values, digest: TextDigest::of(&summary) });
        self.stored.clear();
        self.is_new_text = false;
    }

    fn gets_vectors(&self) -> bool {
        !self.is_forgotten && (self.is_new_text || self.given.is_some())
    }

    fn given_vector(&self, space: SpaceId) -> Option<NewVector<'_>> {
        self.given.as_ref().map(|given| pieces::given((&self.entry).into(), space, &given.values))
    }
}

impl Given {
    /// Takes the summary out of the pieces, if it is still the one that the vector was given for: an update keeps such a
    /// vector, too.
    fn takes_its_place_in(&self, pieces: &mut Vec<Piece>) -> bool {
        let whole = |piece: &Piece| piece.role == Role::Summary && piece.digest == self.digest;
        let before = pieces.len();
        pieces.retain(|piece| !whole(piece));
        pieces.len() < before
    }
}
