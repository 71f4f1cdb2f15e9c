//! What a memory is opened with: once for a file or a server, and once more for each of its scopes.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, RwLock};

use arc_swap::ArcSwap;
use rekall_cache::{CacheOptions, EmbeddingCache};
use rekall_core::{Error as CoreError, Store};
use rekall_model::Precision;

use crate::event::Events;
use crate::models::{Models, OpenReranker};
use crate::recall::base_similarity::BaseSimilarity;
use crate::recall::health::Health;
use crate::recall::newest_search::NewestSearches;
use crate::scopes::OpenScopes;
use crate::settings::Settings;
use crate::vector_index::{IndexSettings, VectorIndexKeeper};
use crate::write::usage::PendingUsage;
use crate::{Error, Rekall, VectorBackend};

/// What a memory and its scopes have in common.
#[derive(Clone)]
pub(crate) struct Opening {
    /// What the numbers of a model are loaded as that is named later.
    pub(crate) precision: Precision,
    /// Whether such a model is shared among processes.
    pub(crate) model_host: bool,
    pub(crate) reranker: Option<Arc<OpenReranker>>,
    pub(crate) cache: CacheOptions,
    pub(crate) index: IndexSettings,
    pub(crate) events: Events,
    pub(crate) settings: Settings,
}

impl Opening {
    /// The memory in a store, with this model, unless another built-in one made its vectors. No model is loaded and no vector read
    /// yet.
    pub(crate) fn open(&self, store: Arc<dyn Store>, asked: &Arc<Models>) -> Result<Rekall, Error> {
        if store.scope().is_some() && self.index.backend == VectorBackend::SqliteVec {
            let capability =
                "the vector backend sqlite-vec, which is one table for the whole file, in a scope";
            return Err(CoreError::Unsupported { capability, engine: store.engine() }.into());
        }
        let active = store.read()?.active_space()?;
        if let Some(graph) = self.index.backend.pushed_graph() {
            let capability = VectorBackend::PUSHED;
            let refused = CoreError::Unsupported { capability, engine: store.engine() };
            let dimensions = active.as_ref().map(|space| space.dimensions);
            store.pushed_vectors().ok_or(refused)?.expect_pushed(dimensions, graph)?;
        }
        let stored = active.as_ref().map(|space| space.fingerprint.as_str());
        let models = Models::for_store(asked, stored, &self.settings, &self.events)?;
        Ok(Rekall {
            vector_index: VectorIndexKeeper::new(Arc::clone(&store), self.events.clone(), self.index),
            store,
            models: ArcSwap::from(models),
            switching: RwLock::default(),
            queries: EmbeddingCache::new(self.cache.clone()),
            newest_searches: NewestSearches::default(),
            health: Health::default(),
            base_similarity: BaseSimilarity::default(),
            pending_usage: PendingUsage::default(),
            former_model_noted: AtomicBool::new(false),
            open_scopes: OpenScopes::default(),
            opening: self.clone(),
        })
    }
}
