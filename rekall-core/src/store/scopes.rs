//! Many memories in one store.

use std::sync::Arc;

use super::Store;
use crate::{Error, ScopeName};

/// The scopes of a store: memories of their own, which share a file or a schema on a server and nothing else. Each has its own entries, ids,
/// words, sources, vectors, spaces and log; no read or write through a handle on one reaches another.
///
/// Asked for through [`Store::scopes`], at a store that is bound to none: a handle on a scope does not lead out of it. What such a store reads
/// and writes itself is one more memory, the one without a name.
pub trait Scopes {
    /// A handle on the store that is bound to a scope, which is made if it is not there and the store may make something. What is searched costs
    /// what the scope holds, not what the store does.
    ///
    /// # Errors
    /// [`Error::ScopeNotFound`] when it is not there, and the store is read-only or was opened without the right to make a memory;
    /// [`Error::Busy`], [`Error::Full`], [`Error::Engine`].
    fn open(&self, scope: &ScopeName) -> Result<Arc<dyn Store>, Error>;

    /// The names of all scopes, by their bytes.
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn list(&self) -> Result<Vec<ScopeName>, Error>;

    /// Deletes a scope with everything in it; gives the number of its entries. Handles on it fail from then on with
    /// [`Error::ScopeNotFound`], also when a new one has been made under the name.
    ///
    /// # Errors
    /// [`Error::ScopeNotFound`], [`Error::Busy`], [`Error::ReadOnly`], [`Error::Full`], [`Error::Engine`].
    fn remove(&self, scope: &ScopeName) -> Result<u64, Error>;
}
