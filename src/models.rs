//! The model of an open memory: loaded when first needed, let go when idle.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Instant;

use rekall_model::{
    Embedder, Fingerprint, KeepAlive, LeaseOptions, LoadOptions, ModelEvent, ModelLease, ModelManager,
    ModelSource, ModelState, Unload,
};

use crate::builder::Settings;
use crate::event::{Event, Events};
use crate::{Error, Rekall};

/// Where vectors come from.
pub(crate) enum ModelChoice {
    /// A model that this library loads.
    Source(ModelSource, Box<LoadOptions>),
    /// The host's own model.
    Own(Arc<dyn Embedder>),
    /// The host hands vectors in; text cannot be embedded.
    Vectors(Fingerprint),
    /// No vectors at all.
    None,
}

pub(crate) enum Models {
    Managed(ModelManager),
    Own(Arc<dyn Embedder>),
    Vectors(Fingerprint),
    None,
}

/// A model in use; it is not unloaded before this goes.
pub(crate) enum Lease {
    Managed(ModelLease),
    Own(Arc<dyn Embedder>),
}

impl Deref for Lease {
    type Target = dyn Embedder;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::Managed(lease) => &**lease,
            Self::Own(embedder) => &**embedder,
        }
    }
}

impl Models {
    pub(crate) fn new(choice: ModelChoice, settings: &Settings, events: &Events) -> Result<Self, Error> {
        Ok(match choice {
            ModelChoice::Source(source, load) => {
                let events = events.clone();
                let mut options = settings.manager.clone();
                options.observer = Some(Arc::new(move |event| forward(event, &events)));
                let manager = ModelManager::new(source, *load, options);
                if settings.reaper {
                    manager.start_reaper()?;
                }
                Self::Managed(manager)
            }
            ModelChoice::Own(embedder) => Self::Own(embedder),
            ModelChoice::Vectors(fingerprint) => Self::Vectors(fingerprint),
            ModelChoice::None => Self::None,
        })
    }

    /// The model, loaded if need be; other threads that ask meanwhile wait for the same load.
    pub(crate) fn lease(&self, keep_alive: Option<KeepAlive>) -> Result<Lease, Error> {
        match self {
            Self::Managed(manager) => {
                let mut options = LeaseOptions::default();
                options.keep_alive = keep_alive;
                Ok(Lease::Managed(manager.lease_with(&options)?))
            }
            Self::Own(embedder) => Ok(Lease::Own(Arc::clone(embedder))),
            Self::Vectors(_) | Self::None => Err(Error::NoModel),
        }
    }

    /// Identity and length of the vectors that the host hands in or the model makes.
    pub(crate) fn identity(&self) -> Result<(String, usize), Error> {
        if let Self::Vectors(fingerprint) = self {
            return Ok((fingerprint.as_str().to_owned(), fingerprint.dimensions().unwrap_or_default()));
        }
        let lease = self.lease(None)?;
        Ok((lease.fingerprint().as_str().to_owned(), lease.dimensions()))
    }

    fn manager(&self) -> Option<&ModelManager> {
        match self {
            Self::Managed(manager) => Some(manager),
            _ => None,
        }
    }

    /// The model's name and heap bytes, when it is loaded.
    pub(crate) fn resident(&self) -> Option<(String, usize)> {
        match self {
            Self::Managed(manager) => {
                let stats = manager.stats();
                let name = manager.fingerprint().filter(|_| stats.state == ModelState::Ready)?;
                Some((name.model().to_owned(), stats.bytes))
            }
            Self::Own(embedder) => Some((embedder.fingerprint().model().to_owned(), embedder.memory_bytes())),
            Self::Vectors(_) | Self::None => None,
        }
    }
}

fn forward(event: &ModelEvent<'_>, events: &Events) {
    let event = match *event {
        ModelEvent::Loading { source } => Event::ModelLoading { model: source.to_owned() },
        ModelEvent::Loaded { source, elapsed, bytes } => {
            Event::ModelLoaded { model: source.to_owned(), elapsed, bytes }
        }
        ModelEvent::LoadFailed { source, error } => {
            Event::ModelLoadFailed { model: source.to_owned(), reason: error.to_string() }
        }
        ModelEvent::Unloaded { source, bytes, .. } => {
            Event::ModelUnloaded { model: source.to_owned(), bytes }
        }
        _ => return,
    };
    events.send(&event);
}

impl Rekall {
    /// Loads the model now, so that the first search does not wait for it.
    ///
    /// # Errors
    /// [`Error::NoModel`] or [`Error::Model`].
    pub fn load_model(&self) -> Result<(), Error> {
        self.models.load().lease(None).map(drop)
    }

    /// Lets the model go: at once, or when the last search that uses it ends. It is loaded again when needed;
    /// cached queries need no model. A host's own model is not touched.
    pub fn unload_model(&self) -> Unload {
        self.models.load().manager().map_or(Unload::NotLoaded, ModelManager::unload)
    }

    /// Whether the model is in memory.
    #[must_use]
    pub fn model_state(&self) -> ModelState {
        match &**self.models.load() {
            Models::Managed(manager) => manager.state(),
            Models::Own(_) => ModelState::Ready,
            Models::Vectors(_) | Models::None => ModelState::Unloaded,
        }
    }

    /// Unloads the model if it has been idle long enough at `now`, and says how many bytes that freed. For
    /// hosts with an event loop; others ask for a thread with
    /// [`Builder::unload_in_background`](crate::Builder::unload_in_background).
    pub fn unload_if_idle(&self, now: Instant) -> Option<usize> {
        self.models.load().manager()?.unload_if_idle(now)
    }

    /// When [`unload_if_idle`](Self::unload_if_idle) will next have something to do.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        self.models.load().manager()?.next_deadline()
    }

    /// Restarts the idle time of a loaded model.
    pub fn touch_model(&self) {
        if let Some(manager) = self.models.load().manager() {
            manager.touch();
        }
    }

    /// The vector of a text as a query, or as a document: what the file's model makes of it.
    ///
    /// # Errors
    /// [`Error::NoModel`], [`Error::Model`].
    pub fn embed(&self, text: &str, purpose: Purpose) -> Result<Vec<f32>, Error> {
        let lease = self.models.load().lease(None)?;
        Ok(match purpose {
            Purpose::Query => lease.embed_query(text)?,
            Purpose::Document => lease.embed_documents(&[text])?,
        })
    }

    /// Gives back memory that is not needed now: the model if it is not in use, cached vectors, the index,
    /// idle connections; then asks the allocator to return what is free to the system. The next search loads
    /// what it needs again.
    pub fn release_memory(&self) -> rekall_model::ReleasedMemory {
        self.unload_model();
        self.queries.clear();
        self.vector_index.clear();
        self.store.release_memory();
        rekall_model::release_memory()
    }
}

/// What a text is embedded for: some models treat the two differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// To search with.
    Query,
    /// To be found.
    Document,
}
