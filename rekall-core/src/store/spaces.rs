//! Vector spaces: whose vectors the file holds.

use std::ops::{Deref, RangeInclusive};

use rusqlite::{Connection, OptionalExtension, Row};

use super::{Tx, WriteTx};
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
    pub(super) const ALL: [Self; 4] = [Self::Building, Self::Active, Self::Retired, Self::Leaving];

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

    fn from_name(name: &str) -> Self {
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

/// How many components a vector may have.
pub(crate) const SPACE_DIMENSIONS: RangeInclusive<usize> = 1..=65_536;

const COLUMNS: &str = "SELECT id, fingerprint, dimensions, state FROM space";

impl<C: Deref<Target = Connection>> Tx<'_, C> {
    /// All spaces, oldest first.
    ///
    /// ```
    /// # use rekall_core::{Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = Store::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// tx.ensure_active_space("my-model/1", 384)?;
    /// assert_eq!(tx.spaces()?.len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Sqlite`] or [`Error::Corrupt`].
    pub fn spaces(&self) -> Result<Vec<Space>, Error> {
        let mut statement = self.connection.prepare_cached(&format!("{COLUMNS} ORDER BY id"))?;
        let spaces = statement.query_map([], space)?;
        Ok(spaces.collect::<Result<_, _>>()?)
    }

    /// The space that searches use, if there is one yet.
    ///
    /// ```
    /// # use rekall_core::{Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = Store::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// assert_eq!(tx.active_space()?, None);
    /// let space = tx.ensure_active_space("my-model/1", 384)?;
    /// assert_eq!(tx.active_space()?, Some(space));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Sqlite`] or [`Error::Corrupt`].
    pub fn active_space(&self) -> Result<Option<Space>, Error> {
        let mut statement = self.connection.prepare_cached(&format!("{COLUMNS} WHERE state = 'active'"))?;
        Ok(statement.query_row([], space).optional()?)
    }

    /// One space.
    ///
    /// # Errors
    /// [`Error::SpaceNotFound`].
    pub fn space(&self, id: SpaceId) -> Result<Space, Error> {
        let mut statement = self.connection.prepare_cached(&format!("{COLUMNS} WHERE id = ?1"))?;
        statement.query_row([id.0], space).optional()?.ok_or(Error::SpaceNotFound { id: id.0 })
    }
}

impl WriteTx<'_> {
    /// The active space of the model with this fingerprint; made when the file has no active space yet.
    ///
    /// ```
    /// # use rekall_core::{Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = Store::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
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
    pub fn ensure_active_space(&mut self, fingerprint: &str, dimensions: usize) -> Result<Space, Error> {
        match self.active_space()? {
            Some(space) if space.fingerprint == fingerprint => Ok(space),
            Some(space) => {
                Err(Error::SpaceMismatch { stored: space.fingerprint, requested: fingerprint.to_owned() })
            }
            None => self.add_space(fingerprint, dimensions, SpaceState::Active),
        }
    }

    /// Adds a space.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] for no dimensions, or for a second active space.
    pub fn add_space(
        &mut self,
        fingerprint: &str,
        dimensions: usize,
        state: SpaceState,
    ) -> Result<Space, Error> {
        if !SPACE_DIMENSIONS.contains(&dimensions) {
            return Err(Error::OutOfRange {
                field: "dimensions",
                expected: "1 to 65536",
                got: dimensions.to_string(),
            });
        }
        if state == SpaceState::Active && self.active_space()?.is_some() {
            return Err(Error::OutOfRange {
                field: "state",
                expected: "the only active space",
                got: "a second one".to_owned(),
            });
        }
        let now = self.now_ms();
        self.connection
            .prepare_cached(
                "INSERT INTO space (fingerprint, dimensions, state, created_at) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute((fingerprint, dimensions as i64, state.name(), now))?;
        let id = SpaceId(self.connection.last_insert_rowid());
        Ok(Space { id, fingerprint: fingerprint.to_owned(), dimensions, state })
    }

    /// Makes a space the one that searches use. The one that was leaves: it is to be dropped when there is
    /// time, in a transaction of its own, because that takes a while.
    ///
    /// ```
    /// # use rekall_core::{SpaceState, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = Store::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
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
    pub fn activate_space(&mut self, id: SpaceId) -> Result<(), Error> {
        self.space(id)?;
        self.connection.execute("UPDATE space SET state = 'leaving' WHERE state = 'active'", [])?;
        self.connection.execute("UPDATE space SET state = 'active' WHERE id = ?1", [id.0])?;
        Ok(())
    }

    /// Gives up a space that is being filled: it is to be dropped like one that was replaced. Others stay as they are.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Full`].
    pub fn abandon_space(&mut self, id: SpaceId) -> Result<(), Error> {
        let sql = "UPDATE space SET state = 'leaving' WHERE id = ?1 AND state = 'building'";
        self.connection.execute(sql, [id.0])?;
        Ok(())
    }

    /// Drops a part of a space that is leaving, and the space itself with the last part; says whether anything is left.
    /// A large one goes so in many short transactions. `vectors` are dropped at a time.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Full`].
    pub fn thin_space(&mut self, id: SpaceId, vectors: usize) -> Result<bool, Error> {
        let dropped = self
            .connection
            .prepare_cached(
                // The key's index covers the inner query: the vectors that stay are not read.
                "DELETE FROM embedding WHERE rowid IN (SELECT rowid FROM embedding WHERE space_id =
                     (SELECT id FROM space WHERE id = ?1 AND state = 'leaving') LIMIT ?2)",
            )?
            .execute((id.0, i64::try_from(vectors).unwrap_or(i64::MAX)))?;
        if dropped < vectors {
            self.connection.execute("DELETE FROM space WHERE id = ?1 AND state = 'leaving'", [id.0])?;
        }
        Ok(dropped == vectors)
    }

    /// Drops a space with its vectors.
    ///
    /// ```
    /// # use rekall_core::{Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = Store::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
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
    pub fn drop_space(&mut self, id: SpaceId) -> Result<(), Error> {
        match self.connection.execute("DELETE FROM space WHERE id = ?1", [id.0])? {
            0 => Err(Error::SpaceNotFound { id: id.0 }),
            _ => Ok(()),
        }
    }
}

fn space(row: &Row<'_>) -> rusqlite::Result<Space> {
    // Memory is sized by it, so it is judged here, where every reader gets it from.
    let dimensions = row.get::<_, i64>(2)?;
    let possible = usize::try_from(dimensions).ok().filter(|count| SPACE_DIMENSIONS.contains(count));
    Ok(Space {
        id: SpaceId(row.get(0)?),
        fingerprint: row.get(1)?,
        dimensions: possible.ok_or(rusqlite::Error::IntegralValueOutOfRange(2, dimensions))?,
        state: SpaceState::from_name(row.get_ref(3)?.as_str()?),
    })
}
