//! What changed since a moment: for hosts that keep a copy of the entries, or of something made from them.

use rekall_core::{Changes, LogPosition, ReadTx};
use serde::{Deserialize, Serialize};

use crate::{EntryId, Error, Rekall};

/// A moment of a file's history, to be kept beside what was read then. Tells nothing by itself, and is not to
/// be compared or counted with: only the file it was got from knows what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ChangePosition {
    /// Which history of the file it counts in: one that was restored from a copy has another than before.
    incarnation: i64,
    position: i64,
}

impl ChangePosition {
    /// Two numbers to be stored, from which [`from_words`](Self::from_words) makes it again.
    #[must_use]
    pub const fn to_words(self) -> [i64; 2] {
        [self.incarnation, self.position]
    }

    /// What [`to_words`](Self::to_words) gave. Any other numbers are a moment that the file does not know, of
    /// which it reports everything.
    #[must_use]
    pub const fn from_words(words: [i64; 2]) -> Self {
        Self { incarnation: words[0], position: words[1] }
    }
}

/// An entry that was written, changed or forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct ChangedEntry {
    /// The entry's number in this file: the same for as long as it lives, and never another entry's. Keep it
    /// with the entry, because it is all that is left of one that is gone. Copies made by export and import
    /// have numbers of their own.
    pub number: i64,
    /// Its id; `None`: it is gone.
    pub id: Option<EntryId>,
}

/// What [`Rekall::changes_since`] found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ChangedEntries {
    /// The moment that this is true of: where to ask from the next time.
    pub position: ChangePosition,
    /// Whether `entries` are all that there are, and not changes: whatever is not among them is gone.
    pub complete: bool,
    /// Each entry once, in the order of their newest changes; if `complete`, in the order in which they were
    /// made.
    pub entries: Vec<ChangedEntry>,
}

impl Rekall {
    /// Which entries were written, changed or forgotten since a moment, by any process; with `None` all
    /// entries that there are, which is how a copy begins. Everything that came after `since` is reported,
    /// and what came before is not.
    ///
    /// A change of an entry's vectors is a change of the entry; one of its links is not. What happened to an
    /// entry in between is not reported: read it again ([`get_many`](Self::get_many)). The file remembers the
    /// newest 50,000 entries forgotten. Where it no longer reaches back to `since`, where another model's
    /// vectors were put in the place of all, and where the file was restored, compacted, imported into or
    /// given another index, all entries are reported, and [`complete`](ChangedEntries::complete) says so.
    /// Takes no write lock; costs some microseconds and 48 bytes for each entry reported.
    ///
    /// ```
    /// # use std::collections::HashMap;
    /// # use rekall::{ChangePosition, EntryId, Error, NewEntry, Rekall};
    /// /// Brings a copy up to date.
    /// fn follow(
    ///     rekall: &Rekall,
    ///     copy: &mut HashMap<i64, (EntryId, String)>,
    ///     since: Option<ChangePosition>,
    /// ) -> Result<ChangePosition, Error> {
    ///     let changes = rekall.changes_since(since)?;
    ///     if changes.complete {
    ///         copy.clear();
    ///     }
    ///     let living: Vec<EntryId> = changes.entries.iter().filter_map(|entry| entry.id).collect();
    ///     let mut titles: HashMap<EntryId, String> = HashMap::new();
    ///     for entry in rekall.get_many(&living)?.into_iter().flatten() {
    ///         titles.insert(entry.id, entry.title);
    ///     }
    ///     for entry in changes.entries {
    ///         // One that is not there any more was forgotten meanwhile: the next round reports it, too.
    ///         match entry.id.and_then(|id| Some((id, titles.remove(&id)?))) {
    ///             Some(read) => copy.insert(entry.number, read),
    ///             None => copy.remove(&entry.number),
    ///         };
    ///     }
    ///     Ok(changes.position)
    /// }
    /// # fn main() -> Result<(), Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// let mut copy = HashMap::new();
    /// let note = rekall.remember(NewEntry::new("note"))?;
    /// let position = follow(&rekall, &mut copy, None)?;
    /// assert_eq!(copy.len(), 1);
    /// rekall.forget(note)?;
    /// follow(&rekall, &mut copy, Some(position))?;
    /// assert!(copy.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`].
    pub fn changes_since(&self, since: Option<ChangePosition>) -> Result<ChangedEntries, Error> {
        let tx = self.store.read()?;
        let position = now(&*tx)?;
        let since = since.map(|since| LogPosition::new(since.incarnation, since.position));
        let changed = since.map(|since| tx.changes_since(since)).transpose()?;
        if let Some(Changes::Entries { entries, .. }) = changed {
            let ids = tx.ids(&entries)?;
            let entries =
                entries.into_iter().map(|number| ChangedEntry { number, id: ids.get(&number).copied() });
            return Ok(ChangedEntries { position, complete: false, entries: entries.collect() });
        }
        let all = tx.all_ids()?.into_iter().map(|(number, id)| ChangedEntry { number, id: Some(id) });
        Ok(ChangedEntries { position, complete: true, entries: all.collect() })
    }

    /// This moment, without looking at what came before: for hosts that want to hear of what comes from now
    /// on.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// let before = rekall.change_position()?;
    /// let id = rekall.remember(NewEntry::new("disk full"))?;
    /// let changes = rekall.changes_since(Some(before))?;
    /// assert_eq!(changes.entries[0].id, Some(id));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`].
    pub fn change_position(&self) -> Result<ChangePosition, Error> {
        now(&*self.store.read()?)
    }
}

fn now(tx: &dyn ReadTx) -> Result<ChangePosition, Error> {
    let position = tx.position()?;
    Ok(ChangePosition { incarnation: position.incarnation(), position: position.number() })
}
