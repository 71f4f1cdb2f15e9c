//! What a batch will come to: which entries it will give vectors, and of what text.

use std::collections::{HashMap, HashSet};

use rekall_core::{
    Changes, EntryText, LogPosition, NewVector, ReadTx, Role, Space, SpaceId, StoredVector, TextDigest,
    WriteTx,
};

use super::batch::{Batch, Operation};
use crate::models::pieces;
use crate::{Entry, EntryId, Error, Rekall};

/// What a batch will come to, worked out from the file as it was at one moment.
pub(super) struct BatchPlan {
    /// The change log's position then.
    position: LogPosition,
    pub(super) space: Option<Space>,
    /// Row numbers of the file's entries that the plan depends on.
    rows: HashSet<i64>,
    /// Entries that get vectors.
    pub(super) entries: Vec<PlannedEntry>,
    /// Fingerprint and dimensions of the host's vectors, if the batch has any.
    host_space: Option<(String, usize)>,
}

/// An entry as it will be after the batch.
pub(super) struct PlannedEntry {
    /// `None`: it is new.
    pub(super) row: Option<i64>,
    pub(super) entry: Entry,
    /// Whether the model has to look at its text.
    pub(super) is_embedded: bool,
    /// The newest one.
    pub(super) host_vector: Option<HostVector>,
    /// What is in the file, unless the host's vector replaces it.
    pub(super) stored: Vec<StoredVector>,
    is_forgotten: bool,
}

/// A vector that the host made.
pub(super) struct HostVector {
    /// Of length 1.
    values: Vec<f32>,
    /// Of the summary that it was made for.
    digest: TextDigest,
}

impl Rekall {
    /// Goes through the batch without writing.
    pub(super) fn plan_batch(&self, batch: &Batch) -> Result<BatchPlan, Error> {
        let tx = self.store.read()?;
        let mut plan = BatchPlan {
            position: tx.position()?,
            space: tx.active_space()?,
            rows: HashSet::new(),
            entries: Vec::new(),
            host_space: None,
        };
        // Where an entry stands in the plan.
        let mut places = HashMap::new();
        for (number, operation) in batch.operations.iter().enumerate() {
            self.plan_operation(operation, &*tx, &mut plan, &mut places)
                .map_err(|error| of_operation(number, error))?;
        }
        plan.entries.retain(PlannedEntry::gets_vectors);
        Ok(plan)
    }

    fn plan_operation(
        &self,
        operation: &Operation,
        tx: &dyn ReadTx,
        plan: &mut BatchPlan,
        places: &mut HashMap<EntryId, usize>,
    ) -> Result<(), Error> {
        match operation {
            Operation::Remember { id, entry, origin, vector } => {
                entry.validate()?;
                let host_vector = self.normalized(vector.as_deref(), plan)?;
                let mut planned = PlannedEntry::new(Entry::of(entry.clone(), *id, origin.clone(), 0));
                planned.is_embedded = true;
                planned.set_host_vector(host_vector);
                places.insert(*id, plan.entries.len());
                plan.entries.push(planned);
            }
            Operation::Update { id, patch, vector } => {
                let place = match places.get(id) {
                    Some(&place) => place,
                    None => {
                        let planned = PlannedEntry::read(tx, *id)?;
                        plan.rows.extend(planned.row);
                        plan.entries.push(planned);
                        places.insert(*id, plan.entries.len() - 1);
                        plan.entries.len() - 1
                    }
                };
                let host_vector = self.normalized(vector.as_deref(), plan)?;
                let planned = &mut plan.entries[place];
                patch.apply(&mut planned.entry)?;
                planned.is_embedded |= patch.changes_text();
                planned.set_host_vector(host_vector);
            }
            Operation::Forget { id } => {
                // Places of others must not move, so it stays in the list.
                if let Some(place) = places.remove(id) {
                    plan.entries[place].is_forgotten = true;
                }
            }
            Operation::Supersede { .. }
            | Operation::NameSuccessor { .. }
            | Operation::Link { .. }
            | Operation::Unlink { .. } => {}
        }
        Ok(())
    }

    /// A vector that the host made, brought to length 1.
    fn normalized(&self, vector: Option<&[f32]>, plan: &mut BatchPlan) -> Result<Option<Vec<f32>>, Error> {
        let Some(vector) = vector else { return Ok(None) };
        let dimensions = match &plan.host_space {
            Some((_, dimensions)) => *dimensions,
            None => plan.host_space.insert(self.models.load().identity()?).1,
        };
        pieces::normalized(vector, dimensions).map(Some)
    }

    /// The space that the host's vectors belong to.
    pub(super) fn host_space(&self, tx: &mut dyn WriteTx, plan: &BatchPlan) -> Result<SpaceId, Error> {
        let (fingerprint, dimensions) = plan.host_space.as_ref().ok_or(Error::NoModel)?;
        Ok(self.own_space(tx, fingerprint, *dimensions)?.id)
    }
}

/// An error of the operation with this number.
pub(super) fn of_operation(number: usize, error: Error) -> Error {
    Error::Operation { number, source: Box::new(error) }
}

impl BatchPlan {
    /// Entries whose text the model has to look at.
    pub(super) fn embedded(&self) -> impl Iterator<Item = &PlannedEntry> {
        self.entries.iter().filter(|planned| planned.is_embedded)
    }

    /// Whether an entry that the plan depends on was changed since, or the file's model.
    pub(super) fn is_outdated(&self, tx: &dyn WriteTx) -> Result<bool, Error> {
        if tx.active_space()?.map(|space| space.id) != self.space.as_ref().map(|space| space.id) {
            return Ok(true);
        }
        if self.rows.is_empty() {
            return Ok(false);
        }
        Ok(match tx.changes_since(self.position)? {
            Changes::Lost { .. } => true,
            Changes::Entries { entries, .. } => entries.iter().any(|row| self.rows.contains(row)),
        })
    }
}

impl PlannedEntry {
    fn new(entry: Entry) -> Self {
        let stored = Vec::new();
        Self { row: None, entry, is_embedded: false, host_vector: None, stored, is_forgotten: false }
    }

    fn read(tx: &dyn ReadTx, id: EntryId) -> Result<Self, Error> {
        let (row, entry) = tx.locate(id)?;
        let stored = if tx.is_pending(row)? { Vec::new() } else { tx.stored_vectors(row)? };
        Ok(Self { row: Some(row), stored, ..Self::new(entry) })
    }

    /// The host's vector replaces all others, and stays while the summary does.
    fn set_host_vector(&mut self, values: Option<Vec<f32>>) {
        let Some(values) = values else { return };
        let summary = EntryText::from(&self.entry).role(Role::Summary).unwrap_or_default();
        self.host_vector = Some(HostVector { values, digest: TextDigest::of(&summary) });
        self.stored.clear();
        self.is_embedded = false;
    }

    /// Whether the summary is still the one that the host's vector was made for: an update keeps such a vector,
    /// too.
    pub(super) fn keeps_host_vector(&self) -> bool {
        let summary = EntryText::from(&self.entry).role(Role::Summary).unwrap_or_default();
        self.host_vector.as_ref().is_some_and(|vector| vector.digest == TextDigest::of(&summary))
    }

    fn gets_vectors(&self) -> bool {
        !self.is_forgotten && (self.is_embedded || self.host_vector.is_some())
    }

    pub(super) fn host_vector(&self, space: SpaceId) -> Option<NewVector<'_>> {
        let host_vector = self.host_vector.as_ref()?;
        Some(pieces::host_vector((&self.entry).into(), space, &host_vector.values))
    }
}
