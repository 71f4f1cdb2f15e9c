//! Remembering: from entries to rows, in one transaction.

use std::borrow::Borrow;
use std::ops::ControlFlow;

use rekall_core::{Draft, Inserted, NewVector, SpaceId, WriteTx};
use rekall_model::{Embeddings, KeepAlive};
use serde::Serialize;

use super::postponed::{Embedding, mark_unembeddable};
use crate::cancel::check_cancelled;
use crate::event::Event;
use crate::models::Models;
use crate::models::pieces::{self, Piece};
use crate::{CancelToken, EntryId, Error, NearDuplicate, NewEntry, Rekall};

/// How far a long operation has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// Done so far.
    pub done: usize,
    /// To be done in all.
    pub total: usize,
}

/// What [`Remember::run_with_duplicates`] or [`Rekall::remember_with_duplicates`] did.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RememberReport {
    /// The entries, in the order in which they were given.
    pub entries: Vec<Remembered>,
    /// Why it is not known what says nearly the same; `None`: it is.
    pub unchecked: Option<String>,
}

/// An entry that was remembered, and what says nearly the same.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Remembered {
    /// Its id.
    pub id: EntryId,
    /// The most similar first; none for an entry without a vector.
    pub near_duplicates: Vec<NearDuplicate>,
}

/// Several entries to be remembered together; made by [`Rekall::remember_many`].
#[must_use = "nothing is remembered before run()"]
pub struct Remember<'a> {
    rekall: &'a Rekall,
    entries: &'a [NewEntry],
    vectors: Option<&'a [f32]>,
    progress: Option<Box<dyn FnMut(Progress) + 'a>>,
    cancel: Option<CancelToken>,
    keep_alive: Option<KeepAlive>,
}

impl Rekall {
    /// Remembers one entry and gives its id. One transaction: entry, tags and vectors.
    ///
    /// When no model is available now the entry is stored all the same: words find it, meaning does not yet. An
    /// [`Event::NotEmbedded`] says so, and [`Stats`](crate::Stats) counts it as pending and says why.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{Context, NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// let entry = NewEntry::new("CORS fails on Safari")
    ///     .content("The preflight answer lacks a header.")
    ///     .tags(["http", "safari"])
    ///     .project("shop");
    /// let id = rekall.remember(&entry)?;
    /// assert_eq!(rekall.get(id)?.tags, ["http", "safari"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`] for an entry with an empty title, a NUL or too much text, and when the file cannot be
    /// written; [`Error::Model`] for a model that cannot be used as it is (unsupported, broken, missing). Nothing is stored
    /// then.
    pub fn remember(&self, entry: impl Borrow<NewEntry>) -> Result<EntryId, Error> {
        let ids = self.remember_many(std::slice::from_ref(entry.borrow())).run()?;
        Ok(ids[0])
    }

    /// Remembers one entry as [`remember`](Self::remember) does, and then tells which others say nearly the same, with a
    /// similarity as a whole of at least `threshold` (-1 to 1; 0.98 is a good start) and where their texts differ. It is
    /// stored whatever is like it: [`near_duplicates`](Self::near_duplicates) says why. Costs a search.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).open()?;
    /// let old = rekall.remember(NewEntry::new("Port 8080 is taken on the build machine"))?;
    /// let entry = NewEntry::new("Port 8080 is taken on the build machine");
    /// let made = rekall.remember_with_duplicates(entry, 0.8)?.entries.remove(0);
    /// for near in &made.near_duplicates {
    ///     println!("{} is like {} ({:.2})", made.id, near.id, near.similarity);
    /// }
    /// # assert_eq!(made.near_duplicates[0].id, old);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`remember`](Self::remember), and [`Error::InvalidThreshold`]: nothing is stored then. When the entry is stored and
    /// the search fails, [`RememberReport::unchecked`] says why.
    pub fn remember_with_duplicates(
        &self,
        entry: impl Borrow<NewEntry>,
        threshold: f32,
    ) -> Result<RememberReport, Error> {
        self.remember_many(std::slice::from_ref(entry.borrow())).run_with_duplicates(threshold)
    }

    /// Remembers one entry with the vector that the host made for it, of the model named at opening.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).vectors_of("host's model", 2).open()?;
    /// let id = rekall.remember_with_vector(NewEntry::new("disk full"), &[0.6, 0.8])?;
    /// assert_eq!(rekall.recall_vector(&[0.6, 0.8]).run()?[0].entry.id, id);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`remember`](Self::remember); [`Error::VectorLength`], [`Error::VectorValue`];
    /// [`Error::ModelMismatch`] when the file holds another model's vectors; [`Error::NoModel`] when no model
    /// was named.
    pub fn remember_with_vector(
        &self,
        entry: impl Borrow<NewEntry>,
        vector: &[f32],
    ) -> Result<EntryId, Error> {
        let ids = self.remember_many(std::slice::from_ref(entry.borrow())).vectors(vector).run()?;
        Ok(ids[0])
    }

    /// Remembers several entries, all in one transaction: all are stored, or none.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// # let notes: Vec<NewEntry> = (0..3).map(|n| NewEntry::new(format!("note {n}"))).collect();
    /// let ids = rekall.remember_many(&notes).run()?;
    /// assert_eq!(ids.len(), notes.len());
    /// # Ok(())
    /// # }
    /// ```
    pub fn remember_many<'a>(&'a self, entries: &'a [NewEntry]) -> Remember<'a> {
        Remember { rekall: self, entries, vectors: None, progress: None, cancel: None, keep_alive: None }
    }
}

impl<'a> Remember<'a> {
    /// Gives the vectors instead of having them made: one row an entry, row after row, any length but zero.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).vectors_of("host's model", 2).open()?;
    /// let notes = [NewEntry::new("disk full"), NewEntry::new("no space left")];
    /// rekall.remember_many(&notes).vectors(&[0.6, 0.8, 0.8, 0.6]).run()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn vectors(mut self, rows: &'a [f32]) -> Self {
        self.vectors = Some(rows);
        self
    }

    /// Hears how many entries are embedded.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// # let notes: Vec<NewEntry> = (0..3).map(|n| NewEntry::new(format!("note {n}"))).collect();
    /// rekall.remember_many(&notes).progress(|at| eprintln!("{} of {}", at.done, at.total)).run()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn progress(mut self, callback: impl FnMut(Progress) + 'a) -> Self {
        self.progress = Some(Box::new(callback));
        self
    }

    /// How long the model stays loaded after this call. Default: as the memory was opened.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{KeepAlive, NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// # let notes: Vec<NewEntry> = (0..3).map(|n| NewEntry::new(format!("note {n}"))).collect();
    /// rekall.remember_many(&notes).keep_alive(KeepAlive::Unload).run()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn keep_alive(mut self, keep_alive: KeepAlive) -> Self {
        self.keep_alive = Some(keep_alive);
        self
    }

    /// Stops when the token is cancelled; nothing is stored then.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{CancelToken, NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// # let notes: Vec<NewEntry> = (0..3).map(|n| NewEntry::new(format!("note {n}"))).collect();
    /// let token = CancelToken::new();
    /// token.cancel();
    /// assert!(rekall.remember_many(&notes).cancel(&token).run().is_err());
    /// assert_eq!(rekall.stats()?.store.entries, 0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn cancel(mut self, token: &CancelToken) -> Self {
        self.cancel = Some(token.clone());
        self
    }

    /// Remembers the entries and gives their ids, in order.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// # let notes: Vec<NewEntry> = (0..3).map(|n| NewEntry::new(format!("note {n}"))).collect();
    /// let ids = rekall.remember_many(&notes).run()?;
    /// assert_eq!(rekall.get(ids[2])?.title, "note 2");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Rekall::remember`] and, with vectors, [`Rekall::remember_with_vector`]; [`Error::Interrupted`].
    pub fn run(mut self) -> Result<Vec<EntryId>, Error> {
        for entry in self.entries {
            entry.validate()?;
        }
        let inserted = match self.vectors {
            Some(rows) => self.with_vectors(rows)?,
            None => {
                let rekall = self.rekall;
                let stored = rekall.with_models(|models| {
                    let embeddings = self.embed(models)?;
                    self.with_embeddings(&embeddings)
                });
                match Embedding::of(stored)? {
                    Embedding::Made(inserted) => inserted,
                    Embedding::Postponed { reason } => self.without_vectors(&reason)?,
                }
            }
        };
        Ok(inserted.into_iter().map(|inserted| inserted.id).collect())
    }

    /// Remembers the entries as [`run`](Self::run) does, and then tells which others say nearly the same as each of them: with
    /// a similarity as a whole of at least `threshold`, -1 to 1, see [`Rekall::near_duplicates`]. They may be of this call, too.
    /// Every entry is stored, whatever is like it. Costs a search for each.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).open()?;
    /// rekall.remember(NewEntry::new("Port 8080 is taken on the build machine"))?;
    /// let notes = [NewEntry::new("Port 8080 is taken on the build machine")];
    /// let report = rekall.remember_many(&notes).run_with_duplicates(0.8)?;
    /// for near in &report.entries[0].near_duplicates {
    ///     println!("like {} ({:.2})", near.id, near.similarity);
    /// }
    /// # assert_eq!(report.entries[0].near_duplicates.len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`run`](Self::run), and [`Error::InvalidThreshold`]: nothing is stored then. When the entries are stored and the
    /// search fails, [`RememberReport::unchecked`] says why.
    pub fn run_with_duplicates(self, threshold: f32) -> Result<RememberReport, Error> {
        if !(-1.0..=1.0).contains(&threshold) {
            return Err(Error::InvalidThreshold { got: threshold });
        }
        let rekall = self.rekall;
        let ids = self.run()?;
        let (near, unchecked) = match rekall.near_duplicates_of_each(&ids, threshold) {
            Ok(near) => (near, None),
            Err(error) => (vec![Vec::new(); ids.len()], Some(error.to_string())),
        };
        let entries = ids.into_iter().zip(near);
        let entries = entries.map(|(id, near_duplicates)| Remembered { id, near_duplicates }).collect();
        Ok(RememberReport { entries, unchecked })
    }

    fn with_vectors(&mut self, rows: &[f32]) -> Result<Vec<Inserted>, Error> {
        let (fingerprint, dimensions) = self.rekall.models.load().identity()?;
        let expected = self.entries.len() * dimensions;
        if rows.len() != expected {
            return Err(Error::VectorLength { expected, got: rows.len() });
        }
        let mut unit = Vec::with_capacity(rows.len());
        for row in rows.chunks_exact(dimensions.max(1)) {
            unit.extend(pieces::normalized(row, dimensions)?);
        }
        self.write(|tx| {
            let space = self.rekall.own_space(tx, &fingerprint, dimensions)?.id;
            let vectors: Vec<NewVector<'_>> = self
                .entries
                .iter()
                .zip(unit.chunks_exact(dimensions.max(1)))
                .map(|(entry, values)| pieces::host_vector(entry.into(), space, values))
                .collect();
            let drafts: Vec<Draft<'_>> = self
                .entries
                .iter()
                .zip(&vectors)
                .map(|(entry, vector)| Draft::new(entry).vectors(std::slice::from_ref(vector)))
                .collect();
            Ok(tx.insert(&drafts)?)
        })
    }

    fn with_embeddings(&self, embeddings: &EntryEmbeddings) -> Result<Vec<Inserted>, Error> {
        let (inserted, events) = self.write(|tx| {
            let dimensions = embeddings.vectors.dimensions;
            let space = self.rekall.own_space(tx, &embeddings.fingerprint, dimensions)?.id;
            let vectors = embeddings.of_entries(space);
            let drafts: Vec<Draft<'_>> = self
                .entries
                .iter()
                .zip(&vectors)
                .map(|(entry, vectors)| Draft::new(entry).vectors(vectors))
                .collect();
            let inserted = tx.insert(&drafts)?;
            let events: Vec<Event> = inserted
                .iter()
                .zip(&vectors)
                .filter(|(_, vectors)| vectors.is_empty())
                .map(|(inserted, _)| mark_unembeddable(tx, (inserted.id, inserted.row), space))
                .collect::<Result<_, _>>()?;
            Ok((inserted, events))
        })?;
        events.iter().for_each(|event| self.rekall.opening.events.send(event));
        Ok(inserted)
    }

    fn without_vectors(&self, reason: &str) -> Result<Vec<Inserted>, Error> {
        let drafts: Vec<Draft<'_>> = self.entries.iter().map(Draft::new).collect();
        let inserted = self.write(|tx| Ok(tx.insert(&drafts)?))?;
        for inserted in &inserted {
            let reason = reason.to_owned();
            self.rekall.opening.events.send(&Event::NotEmbedded { id: inserted.id, reason });
        }
        Ok(inserted)
    }

    fn write<T>(&self, work: impl FnOnce(&mut dyn WriteTx) -> Result<T, Error>) -> Result<T, Error> {
        check_cancelled(self.cancel.as_ref())?;
        self.rekall.write(work)
    }

    /// All pieces of all entries in one call: the model sorts them by length and fills its batches. No lock
    /// on the file is held meanwhile.
    fn embed(&mut self, models: &Models) -> Result<EntryEmbeddings, Error> {
        let lease = models.lease(self.keep_alive)?;
        let mut pieces = Vec::with_capacity(self.entries.len());
        for entry in self.entries {
            check_cancelled(self.cancel.as_ref())?;
            pieces.push(pieces::pieces(entry.into()));
        }
        let flat: Vec<&Piece> = pieces.iter().flatten().collect();
        let (cancel, progress) = (self.cancel.clone(), &mut self.progress);
        // Pieces are what the model counts; callers think in entries.
        let (entries, total) = (self.entries.len(), flat.len().max(1));
        let vectors = pieces::embed(&flat, &*lease, |done| {
            if let Some(progress) = progress {
                progress(Progress { done: done * entries / total, total: entries });
            }
            match &cancel {
                Some(token) if token.is_cancelled() => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        })?;
        Ok(EntryEmbeddings { fingerprint: lease.fingerprint().as_str().to_owned(), pieces, vectors })
    }
}

/// What the model made of the entries' texts.
struct EntryEmbeddings {
    fingerprint: String,
    /// Of each entry; those of all entries together have the rows of `vectors`.
    pieces: Vec<Vec<Piece>>,
    vectors: Embeddings,
}

impl EntryEmbeddings {
    /// The vectors of each entry; none where the model knows no word of it.
    fn of_entries(&self, space: SpaceId) -> Vec<Vec<NewVector<'_>>> {
        let mut row = 0;
        let mut of_entry = |pieces: &Vec<Piece>| {
            let mut vectors = Vec::with_capacity(pieces.len());
            for piece in pieces {
                vectors.extend(self.vectors.row(row).map(|values| piece.vector(space, values)));
                row += 1;
            }
            vectors
        };
        self.pieces.iter().map(&mut of_entry).collect()
    }
}
