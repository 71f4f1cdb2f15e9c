//! Vector spaces: whose vectors the file holds.

use crate::Error;

/// Number of a space in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpaceId(pub i64);

/// What a space is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SpaceState {
    /// Being filled beside the active one.
    Building,
    /// The one that searches use. A file has at most one.
    Active,
    /// Kept, but not searched.
    Retired,
    /// Replaced, and about to be dropped.
    Leaving,
}

impl SpaceState {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Building, Self::Active, Self::Retired, Self::Leaving];

    /// The word stored in the file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Building => "building",
            Self::Active => "active",
            Self::Retired => "retired",
            Self::Leaving => "leaving",
        }
    }

    /// The state that a word stands for. One that is not known is kept and not searched.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        match name {
            "active" => Self::Active,
            "building" => Self::Building,
            "leaving" => Self::Leaving,
            _ => Self::Retired,
        }
    }
}

/// A set of vectors that may be compared with one another, because one model made them all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Space {
    /// Its number.
    pub id: SpaceId,
    /// The full identity of the model that made its vectors, compared as text.
    pub fingerprint: String,
    /// Components of each vector.
    pub dimensions: usize,
    /// What it is used for.
    pub state: SpaceState,
}

/// Vector spaces, read.
pub trait ReadSpaces {
    /// All spaces, oldest first.
    ///
    /// ```
    /// # use rekall_core::{SqliteStore, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// tx.ensure_active_space("my-model/1", 384)?;
    /// assert_eq!(tx.spaces()?.len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn spaces(&self) -> Result<Vec<Space>, Error>;

    /// The space that searches use, if there is one yet.
    ///
    /// ```
    /// # use rekall_core::{SqliteStore, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// assert_eq!(tx.active_space()?, None);
    /// let space = tx.ensure_active_space("my-model/1", 384)?;
    /// assert_eq!(tx.active_space()?, Some(space));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn active_space(&self) -> Result<Option<Space>, Error>;

    /// One space.
    ///
    /// # Errors
    /// [`Error::SpaceNotFound`].
    fn space(&self, id: SpaceId) -> Result<Space, Error>;
}

/// Vector spaces, added, switched and dropped.
pub trait WriteSpaces {
    /// The active space of the model with this fingerprint; made when the file has no active space yet.
    ///
    /// ```
    /// # use rekall_core::{SqliteStore, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// let space = tx.ensure_active_space("my-model/1", 384)?;
    /// assert_eq!(tx.ensure_active_space("my-model/1", 384)?, space);
    /// assert!(tx.ensure_active_space("another-model", 384).is_err(), "vectors of two models do not compare");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::SpaceMismatch`] when the active space belongs to another model.
    fn ensure_active_space(&mut self, fingerprint: &str, dimensions: usize) -> Result<Space, Error>;

    /// Adds a space.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] for no dimensions, or for a second active space.
    fn add_space(&mut self, fingerprint: &str, dimensions: usize, state: SpaceState) -> Result<Space, Error>;

    /// Makes a space the one that searches use. The one that was leaves: it is to be dropped when there is
    /// time, in a transaction of its own, because that takes a while.
    ///
    /// ```
    /// # use rekall_core::{SpaceState, SqliteStore, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// let old = tx.ensure_active_space("my-model/1", 384)?;
    /// let new = tx.add_space("my-model/2", 768, SpaceState::Building)?;
    /// // … and when every entry has its vector there:
    /// tx.activate_space(new.id)?;
    /// assert_eq!(tx.active_space()?.map(|space| space.id), Some(new.id));
    /// assert_eq!(tx.space(old.id)?.state, SpaceState::Leaving);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::SpaceNotFound`].
    fn activate_space(&mut self, id: SpaceId) -> Result<(), Error>;

    /// Gives up a space that is being filled: it is to be dropped like one that was replaced. Others stay as they are.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Full`].
    fn abandon_space(&mut self, id: SpaceId) -> Result<(), Error>;

    /// Drops a part of a space that is leaving, and the space itself with the last part; says whether anything is left.
    /// A large one goes so in many short transactions. `vectors` are dropped at a time.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Full`].
    fn thin_space(&mut self, id: SpaceId, vectors: usize) -> Result<bool, Error>;

    /// Drops a space with its vectors.
    ///
    /// ```
    /// # use rekall_core::{SqliteStore, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// let space = tx.ensure_active_space("my-model/1", 384)?;
    /// tx.drop_space(space.id)?;
    /// assert!(tx.spaces()?.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::SpaceNotFound`].
    fn drop_space(&mut self, id: SpaceId) -> Result<(), Error>;
}
