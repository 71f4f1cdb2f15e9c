//! Memories of their own in one store: a user, a tenant, a project.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use rekall_core::{Error as CoreError, ScopeName, Scopes, Store};

use crate::{Error, Rekall};

/// Handles on scopes that the host holds, so that all who ask for a scope share one index.
#[derive(Default)]
pub(crate) struct OpenScopes(Mutex<HashMap<ScopeName, Weak<Rekall>>>);

impl OpenScopes {
    fn get(&self, name: &ScopeName) -> Option<Arc<Rekall>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name)?.upgrade()
    }

    /// Keeps a handle, unless another thread was faster with one that `replaced` is not; gives the one that is kept.
    fn keep(&self, name: &ScopeName, opened: Rekall, replaced: Option<&Arc<Rekall>>) -> Arc<Rekall> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let faster = open.get(name).and_then(Weak::upgrade);
        if let Some(faster) = faster.filter(|faster| replaced.is_none_or(|old| !Arc::ptr_eq(old, faster))) {
            return faster;
        }
        if open.len() == open.capacity() {
            open.retain(|_, handle| handle.strong_count() > 0);
        }
        let opened = Arc::new(opened);
        open.insert(name.clone(), Arc::downgrade(&opened));
        opened
    }

    /// Forgets a handle on a scope that was removed, unless there is another one under the name already.
    fn forget(&self, name: &ScopeName, removed: Option<&Arc<Rekall>>) {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = open.get(name).and_then(Weak::upgrade);
        if kept.is_none_or(|kept| removed.is_some_and(|removed| Arc::ptr_eq(removed, &kept))) {
            open.remove(name);
        }
    }
}

impl Rekall {
    /// A handle on a scope of this memory: a user, a tenant, a project, by any name of 1 to 256 bytes. The scope is made if it is not
    /// there.
    ///
    /// A scope is a memory of its own in the same file, or on the same server: its entries, ids, words, sources, links and vectors are in no other, and
    /// nothing that is done through the handle sees or writes anything else. What is searched costs what the scope holds, whatever else the
    /// file does. The memory that was opened is one more, without a name; its handle alone opens, lists and removes scopes. A change of
    /// model ([`reembed`](Self::reembed)) is one of the memory whose handle it is called on, not of the others.
    ///
    /// All handles on one scope that are open at a time are the same one. They share the model, the connections and the settings with this handle, and
    /// outlive it. What looks after the whole file (`check`, `repair`, `compact`, `backup`), the Python tool's files and the backend
    /// [`SqliteVec`](crate::VectorBackend::SqliteVec) are not there for a scope; [`export_jsonl`](Self::export_jsonl) and
    /// [`import_jsonl`](Self::import_jsonl) move the scope alone.
    ///
    /// Costs: some microseconds, on a server a round trip, when it is open already; else about as much as opening a file that is there,
    /// and a write for a new one. An open handle holds the scope's vector index once it has been searched: drop it when it is not
    /// needed.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).open()?;
    /// let ann = rekall.scope("ann")?;
    /// let bob = rekall.scope("bob")?;
    /// ann.remember(NewEntry::new("The staging password is rotated on Mondays"))?;
    /// assert_eq!(ann.recall("staging").run()?.len(), 1);
    /// assert!(bob.recall("staging").run()?.is_empty());
    /// assert!(rekall.recall("staging").run()?.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`] for a name that cannot be; of kind `NotFound` when there is no such scope and none may be made
    /// ([`read_only`](crate::Builder::read_only), [`create(false)`](crate::Builder::create)); of kind `Unsupported` on a handle that is bound to
    /// a scope itself, and where the settings ask for the backend `sqlite-vec`.
    pub fn scope(&self, name: &str) -> Result<Arc<Self>, Error> {
        let name = ScopeName::new(name)?;
        let scopes = scopes_of(&*self.store)?;
        let known = self.open_scopes.get(&name);
        if let Some(known) = &known {
            match known.store.read() {
                Ok(_) => return Ok(Arc::clone(known)),
                // It was removed by another process.
                Err(CoreError::ScopeNotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let opened = self.opening.open(scopes.open(&name)?, &self.models.load_full())?;
        Ok(self.open_scopes.keep(&name, opened, known.as_ref()))
    }

    /// The name of the scope that this handle is bound to; `None`: the memory without a name.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::Rekall;
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// assert_eq!(rekall.scope("ann")?.scope_name(), Some("ann"));
    /// assert_eq!(rekall.scope_name(), None);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn scope_name(&self) -> Option<&str> {
        self.store.scope().map(ScopeName::as_str)
    }

    /// The names of all scopes, by their bytes.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::Rekall;
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// rekall.scope("bob")?;
    /// rekall.scope("ann")?;
    /// assert_eq!(rekall.scopes()?, ["ann", "bob"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`] when the file cannot be read; of kind `Unsupported` on a handle that is bound to a scope.
    pub fn scopes(&self) -> Result<Vec<String>, Error> {
        Ok(scopes_of(&*self.store)?.list()?.into_iter().map(String::from).collect())
    }

    /// Deletes a scope with everything in it; gives the number of its entries. Handles on it fail from then on with an error of kind
    /// `NotFound`, in every process. Its rows are deleted in short transactions after that; what cannot be deleted now goes with the next
    /// scope that is made or removed.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{ErrorKind, NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// let ann = rekall.scope("ann")?;
    /// ann.remember(NewEntry::new("disk full"))?;
    /// assert_eq!(rekall.remove_scope("ann")?, 1);
    /// let gone = ann.recall("disk").run();
    /// assert_eq!(gone.err().map(|error| error.kind()), Some(ErrorKind::NotFound));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`] of kind `NotFound` when there is no such scope; when the file cannot be written; of kind `Unsupported` on a handle that is
    /// bound to a scope.
    pub fn remove_scope(&self, name: &str) -> Result<u64, Error> {
        let name = ScopeName::new(name)?;
        let known = self.open_scopes.get(&name);
        let entries = scopes_of(&*self.store)?.remove(&name)?;
        self.open_scopes.forget(&name, known.as_ref());
        Ok(entries)
    }
}

/// The scopes of a store, refused by name where it has none.
fn scopes_of(store: &dyn Store) -> Result<&dyn Scopes, CoreError> {
    let capability = match store.scope() {
        Some(_) => "scopes of a memory that is a scope itself",
        None => "scopes",
    };
    store.scopes().ok_or(CoreError::Unsupported { capability, engine: store.engine() })
}
