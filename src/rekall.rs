//! The open memory, and what all its operations share.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use arc_swap::ArcSwap;
use rekall_cache::EmbeddingCache;
use rekall_core::{Space, Store, WriteTx};
use rekall_model::KeepAlive;

use crate::event::{Event, Events};
use crate::models::{Models, same_space};
use crate::recall::health::Health;
use crate::recall::newest_search::NewestSearches;
use crate::settings::Settings;
use crate::vector_index::VectorIndexKeeper;
use crate::{Error, Watch};

/// Query texts in the cache carry the space, so that two models can never be confused.
pub(crate) type QueryKey = (i64, Arc<str>);

/// An open memory: one file, one model, one index.
///
/// `Send + Sync`: share it by reference or in an [`Arc`] among any number of threads. Opening costs about a
/// millisecond; the model and the index are loaded when first needed. Dropping it closes the file.
pub struct Rekall {
    pub(crate) store: Arc<Store>,
    /// Swapped when the file's vectors were made anew with another model.
    pub(crate) models: ArcSwap<Models>,
    /// Held while the file's active space and `models` change together.
    pub(crate) switching: RwLock<()>,
    pub(crate) vector_index: VectorIndexKeeper,
    pub(crate) queries: EmbeddingCache<QueryKey>,
    pub(crate) events: Events,
    pub(crate) newest_searches: NewestSearches,
    pub(crate) health: Health,
    pub(crate) settings: Settings,
}

impl Rekall {
    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.store.path()
    }

    /// The storage below, for what this facade does not cover.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The vector of a query text in `space`: from the cache, or else from the model.
    pub(crate) fn query_vector(
        &self,
        space: &Space,
        text: &str,
        keep_alive: Option<KeepAlive>,
    ) -> Result<Arc<[f32]>, Error> {
        let key = (space.id.0, Arc::from(text));
        self.queries.get_or_try_insert_with(&key, || {
            let lease = self.with_models(|models| {
                let lease = models.lease(keep_alive)?;
                self.check_model(space, lease.fingerprint().as_str()).map(|()| lease)
            })?;
            match lease.embed_query(text) {
                Ok(vector) => Ok(vector.into()),
                Err(rekall_model::Error::Unembeddable { .. }) => Err(Error::UnknownQuery),
                Err(error) => Err(error.into()),
            }
        })
    }

    /// Does something with the model; once more when that was not the file's because the two are just being changed.
    pub(crate) fn with_models<T>(
        &self,
        mut work: impl FnMut(&Models) -> Result<T, Error>,
    ) -> Result<T, Error> {
        loop {
            let models = self.models.load_full();
            let done = work(&models);
            if !matches!(done, Err(Error::ModelMismatch { .. })) {
                return done;
            }
            drop(self.switching.read().unwrap_or_else(PoisonError::into_inner));
            if Arc::ptr_eq(&models, &self.models.load()) {
                return done;
            }
        }
    }

    /// Refuses vectors of another model than the space's.
    pub(crate) fn check_model(&self, space: &Space, fingerprint: &str) -> Result<(), Error> {
        if same_space(&space.fingerprint, fingerprint) {
            return Ok(());
        }
        Err(Error::ModelMismatch { stored: space.fingerprint.clone(), requested: fingerprint.to_owned() })
    }

    /// The active space, if it is this model's; made when the file has none yet.
    pub(crate) fn own_space(
        &self,
        tx: &mut WriteTx<'_>,
        fingerprint: &str,
        dimensions: usize,
    ) -> Result<Space, Error> {
        match tx.active_space()? {
            Some(space) => self.check_model(&space, fingerprint).map(|()| space),
            None => Ok(tx.ensure_active_space(fingerprint, dimensions)?),
        }
    }

    /// Drops the vector index, in memory and what is laid by in the file, and lays it by anew from the rows. Progress
    /// counts stages, of 3: dropping, reading the rows, laying by.
    ///
    /// # Errors
    /// [`Error::Core`] when the file cannot be read or written; [`Error::Interrupted`]. Nothing may be laid by then:
    /// searches find the same, the first one of a process begins more slowly.
    pub fn rebuild_index(&self, mut watch: Watch<'_>) -> Result<(), Error> {
        self.vector_index.rebuild(&self.store, &self.events, &mut watch)
    }

    /// What every operation that wrote ends with.
    pub(crate) fn after_write(&self) {
        if let Some(reason) = self.store.unerased() {
            self.events.send(&Event::NotErased { reason });
        }
        if let Some(log_bytes) = self.store.take_held_log() {
            self.events.send(&Event::LongReader { log_bytes });
        }
        self.vector_index.after_write(&self.store, &self.events);
    }

    /// Forgets cached query vectors. Searches stay the same, the next ones are slower.
    pub fn clear_cache(&self) {
        self.queries.clear();
    }
}

impl fmt::Debug for Rekall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rekall").field("path", &self.path()).finish_non_exhaustive()
    }
}
