//! Several operations that happen together.

use rekall_core::{Origin, Relation};

use crate::{EntryId, EntryPatch, NewEntry};

/// Operations to be done in one transaction by [`Rekall::apply`](crate::Rekall::apply), in the order in which
/// they were added. Plain data: made and kept without a file, applied as often as wanted.
///
/// ```
/// # fn main() -> Result<(), rekall::Error> {
/// # use rekall::{Batch, NewEntry, Rekall};
/// # let folder = tempfile::tempdir().unwrap();
/// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
/// let (bug, fix) = (rekall.new_id()?, rekall.new_id()?);
/// let mut batch = Batch::new();
/// batch.remember(bug, NewEntry::new("Upload fails")).remember(fix, NewEntry::new("Raise the limit"));
/// batch.link(fix, bug, "solves", None);
/// rekall.apply(&batch).run()?;
/// assert_eq!(rekall.links(bug)?.len(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Batch {
    pub(crate) operations: Vec<Operation>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Operation {
    Remember {
        id: EntryId,
        entry: NewEntry,
        origin: Origin,
        vector: Option<Vec<f32>>,
    },
    Update {
        id: EntryId,
        patch: EntryPatch,
        vector: Option<Vec<f32>>,
    },
    Forget {
        id: EntryId,
    },
    Supersede {
        old: EntryId,
        new: EntryId,
    },
    /// Of an entry that was replaced elsewhere, at a time of its own.
    NameSuccessor {
        of: EntryId,
        new: EntryId,
    },
    Link {
        source: EntryId,
        target: EntryId,
        relation: Relation,
        reason: Option<String>,
        created_at: Option<i64>,
    },
    Unlink {
        source: EntryId,
        target: EntryId,
        relation: Relation,
    },
}

impl Batch {
    /// No operation yet.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::Batch;
    /// let batch = Batch::new();
    /// assert!(batch.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many operations there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.operations.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// Adds the operations of another batch after its own.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{Batch, NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// # let (one, two) = (rekall.remember(NewEntry::new("one"))?, rekall.remember(NewEntry::new("two"))?);
    /// let (mut first, mut second) = (Batch::new(), Batch::new());
    /// first.link(one, two, "cites", None);
    /// second.forget(one);
    /// first.append(second);
    /// assert_eq!(first.len(), 2);
    /// # Ok(())
    /// # }
    /// ```
    pub fn append(&mut self, other: Self) -> &mut Self {
        self.operations.extend(other.operations);
        self
    }

    /// Remembers an entry under an id that [`Rekall::new_id`](crate::Rekall::new_id) made, or the host, and
    /// that no entry has. An id of the entry's own ([`NewEntry::id`]) must be the same.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{Batch, NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// let mut batch = Batch::new();
    /// batch.remember(rekall.new_id()?, NewEntry::new("disk full"));
    /// rekall.apply(&batch).run()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn remember(&mut self, id: EntryId, entry: NewEntry) -> &mut Self {
        self.push(Operation::Remember { id, entry, origin: Origin::default(), vector: None })
    }

    /// Remembers an entry with a vector, as
    /// [`Rekall::remember_with_vector`](crate::Rekall::remember_with_vector) does.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{Batch, NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).vectors_of("host's model", 2).open()?;
    /// let mut batch = Batch::new();
    /// batch.remember_with_vector(rekall.new_id()?, NewEntry::new("disk full"), vec![0.6, 0.8]);
    /// rekall.apply(&batch).run()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn remember_with_vector(&mut self, id: EntryId, entry: NewEntry, vector: Vec<f32>) -> &mut Self {
        self.push(Operation::Remember { id, entry, origin: Origin::default(), vector: Some(vector) })
    }

    /// Changes an entry, as [`Rekall::update`](crate::Rekall::update) does.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{Batch, EntryPatch, NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// # let (one, two) = (rekall.remember(NewEntry::new("one"))?, rekall.remember(NewEntry::new("two"))?);
    /// let mut batch = Batch::new();
    /// batch.update(one, EntryPatch::new().content("more of it"));
    /// rekall.apply(&batch).run()?;
    /// assert_eq!(rekall.get(one)?.content, "more of it");
    /// # Ok(())
    /// # }
    /// ```
    pub fn update(&mut self, id: EntryId, patch: EntryPatch) -> &mut Self {
        self.push(Operation::Update { id, patch, vector: None })
    }

    /// Changes an entry and gives it this vector, as
    /// [`Rekall::update_with_vector`](crate::Rekall::update_with_vector) does.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{Batch, EntryPatch, NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).vectors_of("host's model", 2).open()?;
    /// let id = rekall.remember_with_vector(NewEntry::new("disk full"), &[0.6, 0.8])?;
    /// let mut batch = Batch::new();
    /// batch.update_with_vector(id, EntryPatch::new(), vec![1.0, 0.0]);
    /// rekall.apply(&batch).run()?;
    /// assert_eq!(rekall.recall_vector(&[1.0, 0.0]).run()?[0].score, 1.0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn update_with_vector(&mut self, id: EntryId, patch: EntryPatch, vector: Vec<f32>) -> &mut Self {
        self.push(Operation::Update { id, patch, vector: Some(vector) })
    }

    /// Forgets an entry with all that hangs on it.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{Batch, NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// # let (one, two) = (rekall.remember(NewEntry::new("one"))?, rekall.remember(NewEntry::new("two"))?);
    /// let mut batch = Batch::new();
    /// batch.forget(one).forget(two);
    /// rekall.apply(&batch).run()?;
    /// assert_eq!(rekall.stats()?.store.entries, 0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn forget(&mut self, id: EntryId) -> &mut Self {
        self.push(Operation::Forget { id })
    }

    /// Puts an entry in the place of an older one, as
    /// [`Rekall::supersede_entry`](crate::Rekall::supersede_entry) does.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{Batch, NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// # let (one, two) = (rekall.remember(NewEntry::new("one"))?, rekall.remember(NewEntry::new("two"))?);
    /// let mut batch = Batch::new();
    /// batch.supersede_entry(one, two);
    /// rekall.apply(&batch).run()?;
    /// assert_eq!(rekall.get(one)?.superseded_by, Some(two));
    /// # Ok(())
    /// # }
    /// ```
    pub fn supersede_entry(&mut self, old: EntryId, new: EntryId) -> &mut Self {
        self.push(Operation::Supersede { old, new })
    }

    /// Links two entries; a link of the same relation that is already there gets the new reason.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{Batch, NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// # let (one, two) = (rekall.remember(NewEntry::new("one"))?, rekall.remember(NewEntry::new("two"))?);
    /// let mut batch = Batch::new();
    /// batch.link(one, two, "cites", Some("on page 3"));
    /// rekall.apply(&batch).run()?;
    /// assert_eq!(rekall.links(one)?.len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn link(
        &mut self,
        source: EntryId,
        target: EntryId,
        relation: impl Into<Relation>,
        reason: Option<&str>,
    ) -> &mut Self {
        let (relation, reason) = (relation.into(), reason.map(str::to_owned));
        self.push(Operation::Link { source, target, relation, reason, created_at: None })
    }

    /// Removes a link, if there is one.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{Batch, NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// # let (one, two) = (rekall.remember(NewEntry::new("one"))?, rekall.remember(NewEntry::new("two"))?);
    /// rekall.link(one, two, "cites", None)?;
    /// let mut batch = Batch::new();
    /// batch.unlink(one, two, "cites");
    /// rekall.apply(&batch).run()?;
    /// assert!(rekall.links(one)?.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub fn unlink(&mut self, source: EntryId, target: EntryId, relation: impl Into<Relation>) -> &mut Self {
        self.push(Operation::Unlink { source, target, relation: relation.into() })
    }

    pub(crate) fn push(&mut self, operation: Operation) -> &mut Self {
        self.operations.push(operation);
        self
    }
}
