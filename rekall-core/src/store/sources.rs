//! Sources, and the places that entries have in them.

use crate::{Error, NewPlace, StoredSection, StoredSource, TextDigest};
use std::time::Duration;

/// Sources and their sections, read.
pub trait ReadSources {
    /// The sources whose URI is this one or lies under it, by URI. An empty one: all of them.
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn sources(&self, root: &str) -> Result<Vec<StoredSource>, Error>;

    /// The source of this name.
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn source(&self, uri: &str) -> Result<Option<StoredSource>, Error>;

    /// The sections of a source, in their order there; before them those that are gone from it.
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn sections(&self, source: i64) -> Result<Vec<StoredSection>, Error>;

    /// The sections under a root that are gone from their source, where the run that noticed has not ended.
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn orphaned_sections(&self, root: &str) -> Result<Vec<StoredSection>, Error>;

    /// Row numbers of those of [`orphaned_sections`](Self::orphaned_sections) that no run is going to place any more: they
    /// were released, or their source was synchronized last so long ago.
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn abandoned_sections(&self, root: &str, age: Duration) -> Result<Vec<i64>, Error>;

    /// How many entries come from the sources under a root.
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn count_sections(&self, root: &str) -> Result<u64, Error>;

    /// The place of an entry, by row number.
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn section_of(&self, row: i64) -> Result<Option<StoredSection>, Error>;
}

/// Sources and their sections, written.
pub trait WriteSources {
    /// Notes that a source was synchronized now; gives its number.
    ///
    /// # Errors
    /// What [`check_uri`](crate::check_uri) refuses, [`Error::Full`].
    fn put_source(&mut self, uri: &str, stamp: Option<&str>, digest: TextDigest) -> Result<i64, Error>;

    /// Forgets a source. Entries that come from it stay, as entries of no source.
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn delete_source(&mut self, source: i64) -> Result<(), Error>;

    /// Takes entries out of the order of a source, so that others can take their places: until they get a new one
    /// they count as gone from it. Those that have a place in another source meanwhile keep it.
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn orphan_sections(&mut self, source: i64, rows: &[i64]) -> Result<(), Error>;

    /// Says that the run that took these entries out of their order is over, and that they are still not found: any run
    /// may find them, or forget them.
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn release_sections(&mut self, rows: &[i64]) -> Result<(), Error>;

    /// Gives an entry a place in a source, instead of the one that it had. No other entry may have it.
    ///
    /// # Errors
    /// [`Error::Engine`] for a place that is taken, or an entry or source that is not there.
    fn place_section(&mut self, row: i64, place: &NewPlace<'_>) -> Result<(), Error>;
}
