//! What says nearly the same as a given entry.

use rekall_core::{Filter, Role};
use rekall_index::{Roles, SearchOptions};
use serde::Serialize;

use super::super::retrieve::Admitted;
use super::check_threshold;
use super::compare::{passages, similarity_of, suspects};
use super::differences::{Difference, differences};
use crate::vector_index::Snapshot;
use crate::{Entry, EntryId, Error, Rekall};

/// An entry that says nearly the same as another one.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct NearDuplicate {
    /// Which entry.
    pub id: EntryId,
    /// The similarity of the two as a whole, -1 to 1.
    pub similarity: f32,
    /// Where their texts (title, content and tags) differ, the given entry's first; empty when only white space does.
    /// Characters are counted in the text of the summary, see [`rekall_core::EntryText::role`].
    pub differences: Vec<Difference>,
}

impl Rekall {
    /// The entries that say nearly the same as a given one, the most similar first, equal ones by id: active ones that have
    /// not expired, whose similarity as a whole is at least `threshold` (-1 to 1; 0.98 is a good start). Goes by stored vectors:
    /// needs no model.
    ///
    /// Similarity does not make a duplicate: of notes of one form ("port 8080 is taken", "port 9090 is taken") most pairs above
    /// 0.98 say different things. So nothing is dropped, and [`NearDuplicate::differences`] shows what to look at.
    ///
    /// Entries of several passages are nearly the same if each passage of either has its counterpart in the other, in any
    /// order. Costs a search, and some microseconds an entry found.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).vectors_of("host's model", 2).open()?;
    /// let old = rekall.remember_with_vector(NewEntry::new("port 8080 is taken"), &[0.6, 0.8])?;
    /// let new = rekall.remember_with_vector(NewEntry::new("port 9090 is taken"), &[0.61, 0.79])?;
    /// let near = rekall.near_duplicates(new, 0.98)?;
    /// assert_eq!(near[0].id, old);
    /// let span = near[0].differences[0].first;
    /// assert_eq!(&"port 9090 is taken"[span.start as usize..span.end as usize], "9090");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidThreshold`]; [`Error::Core`] for an unknown id; [`Error::NotEmbedded`] for an entry without a vector.
    pub fn near_duplicates(&self, id: EntryId, threshold: f32) -> Result<Vec<NearDuplicate>, Error> {
        check_threshold(threshold)?;
        self.vector_index.consistently(None, |snapshot| {
            let (row, entry) = snapshot.tx.locate(id)?;
            self.near(snapshot, row, &entry, threshold)?.ok_or(Error::NotEmbedded { id })
        })
    }

    /// The same of entries that were just remembered, in order; none for one without a vector.
    pub(crate) fn near_duplicates_of_each(
        &self,
        ids: &[EntryId],
        threshold: f32,
    ) -> Result<Vec<Vec<NearDuplicate>>, Error> {
        self.vector_index.consistently(None, |snapshot| {
            let near = ids.iter().map(|&id| match snapshot.tx.get_many(&[id])?.pop().flatten() {
                Some(entry) => {
                    let row = snapshot.tx.row_of(id)?;
                    Ok(self.near(snapshot, row, &entry, threshold)?.unwrap_or_default())
                }
                // Somebody has forgotten it meanwhile.
                None => Ok(Vec::new()),
            });
            near.collect()
        })
    }

    /// `None`: it has no vector.
    fn near(
        &self,
        snapshot: &Snapshot<'_>,
        row: i64,
        entry: &Entry,
        threshold: f32,
    ) -> Result<Option<Vec<NearDuplicate>>, Error> {
        let (Some(space), Some(search)) = (&snapshot.view.space, snapshot.search()) else { return Ok(None) };
        let own = passages(snapshot, space, row)?;
        let Some(first) = own.first() else { return Ok(None) };
        let admitted = Admitted::new(snapshot, &Filter::new(), self.store.now_ms())?;
        let options = SearchOptions::new(0)
            .with_roles(Roles::only(Role::Summary.number()))
            .with_threads(self.opening.settings.search_threads);
        let found = suspects(&search, &admitted, &[first], threshold, options)?;
        let mut near = Vec::new();
        for suspect in found.into_iter().flatten().filter(|suspect| suspect.row != row) {
            let similarity = similarity_of(&own, &passages(snapshot, space, suspect.row)?);
            if similarity >= threshold
                && let Some((_, Ok(other))) = snapshot.tx.readable_entries(&[suspect.row])?.pop()
            {
                let differences = differences(&summary(entry), &summary(&other));
                near.push(NearDuplicate { id: other.id, similarity, differences });
            }
        }
        near.sort_by(|a, b| b.similarity.total_cmp(&a.similarity).then(a.id.cmp(&b.id)));
        Ok(Some(near))
    }
}

/// The text that entries are compared by.
pub(super) fn summary(entry: &Entry) -> String {
    rekall_core::EntryText::from(entry).role(Role::Summary).unwrap_or_default()
}
