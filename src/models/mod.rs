//! The model of an open memory, and its reranker: loaded when first needed, let go when idle.

mod current;
mod embed;
mod fill;
mod former;
mod identity;
mod lifecycle;
mod obstacle;
mod own;
mod pending;
pub(crate) mod pieces;
mod query_vector;
mod reembed;
mod reranker;

use std::ops::Deref;
use std::sync::Arc;

use rekall_core::Space;
use rekall_model::{
    Embedder, Fingerprint, KeepAlive, LeaseOptions, LoadOptions, ModelEvent, ModelLease, ModelManager,
    ModelSource, ModelState,
};

use crate::Error;
use crate::event::{Event, Events};
use crate::settings::Settings;

pub use embed::Purpose;
pub use fill::EmbedReport;
pub(crate) use identity::{former_model, same_space};
use own::OwnModel;
pub(crate) use query_vector::QueryVector;
pub(crate) use reranker::{OpenReranker, RerankerChoice};

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
    Managed(Box<ManagedModel>),
    Own(Arc<OwnModel>),
    Vectors(Fingerprint),
    None,
}

/// A model that this library loads.
pub(crate) struct ManagedModel {
    manager: ModelManager,
    source: ModelSource,
    load: LoadOptions,
    /// Whether the host asked for the built-in model, whichever made the file's vectors.
    follows_file: bool,
}

/// A model in use; it is not unloaded before this goes.
pub(crate) enum Lease {
    Managed(ModelLease),
    Own(Arc<OwnModel>),
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
                Self::Managed(Box::new(ManagedModel::new(source, *load, settings, events)?))
            }
            ModelChoice::Own(embedder) => Self::Own(Arc::new(OwnModel::new(embedder))),
            ModelChoice::Vectors(fingerprint) => Self::Vectors(fingerprint),
            ModelChoice::None => Self::None,
        })
    }

    /// The same for a store with these vectors: the built-in model is then the one that made them.
    pub(crate) fn for_store(
        asked: &Arc<Self>,
        stored: Option<&str>,
        settings: &Settings,
        events: &Events,
    ) -> Result<Arc<Self>, Error> {
        let following = stored.map(|stored| asked.following(stored, settings, events)).transpose()?;
        Ok(following.flatten().map_or_else(|| Arc::clone(asked), Arc::new))
    }

    /// The built-in model that made these vectors, where the host asked for the built-in one and this is another.
    fn following(&self, stored: &str, settings: &Settings, events: &Events) -> Result<Option<Self>, Error> {
        let Self::Managed(model) = self else { return Ok(None) };
        if !model.follows_file {
            return Ok(None);
        }
        let Some(of_file) = identity::other_bundled(stored, &model.source, &model.load) else {
            return Ok(None);
        };
        let mut model = ManagedModel::new(of_file, model.load.clone(), settings, events)?;
        model.follows_file = true;
        Ok(Some(Self::Managed(Box::new(model))))
    }

    /// Whether this is a former built-in model, taken because it made the file's vectors.
    fn is_former(&self) -> bool {
        let Self::Managed(model) = self else { return false };
        model.follows_file && model.source != ModelSource::Bundled
    }

    /// The model, loaded if need be; other threads that ask meanwhile wait for the same load.
    pub(crate) fn lease(&self, keep_alive: Option<KeepAlive>) -> Result<Lease, Error> {
        match self {
            Self::Managed(model) => {
                let mut options = LeaseOptions::default();
                options.keep_alive = keep_alive;
                Ok(Lease::Managed(model.manager.lease_with(&options)?))
            }
            Self::Own(model) => Ok(Lease::Own(Arc::clone(model))),
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
            Self::Managed(model) => Some(&model.manager),
            _ => None,
        }
    }

    /// Whether it is loaded, and made the vectors of the space.
    pub(crate) fn is_loaded_for(&self, space: &Space) -> bool {
        let made = |fingerprint: &Fingerprint| same_space(&space.fingerprint, fingerprint.as_str());
        match self {
            Self::Managed(model) => model.manager.fingerprint().is_some_and(|fingerprint| made(&fingerprint)),
            Self::Own(model) => made(model.fingerprint()),
            Self::Vectors(_) | Self::None => false,
        }
    }

    /// The model's name and heap bytes, when it is loaded.
    pub(crate) fn resident(&self) -> Option<(String, usize)> {
        match self {
            Self::Managed(model) => {
                let stats = model.manager.stats();
                let name = model.manager.fingerprint().filter(|_| stats.state == ModelState::Ready)?;
                Some((name.model().to_owned(), stats.bytes))
            }
            Self::Own(model) => Some((model.fingerprint().model().to_owned(), model.memory_bytes())),
            Self::Vectors(_) | Self::None => None,
        }
    }
}

impl ManagedModel {
    fn new(
        source: ModelSource,
        load: LoadOptions,
        settings: &Settings,
        events: &Events,
    ) -> Result<Self, Error> {
        let events = events.clone();
        let mut options = settings.manager.clone();
        options.observer = Some(Arc::new(move |event| forward(event, &events)));
        let follows_file = source == ModelSource::Bundled;
        let manager = ModelManager::new(source.clone(), load.clone(), options);
        if settings.reaper {
            manager.start_reaper()?;
        }
        Ok(Self { manager, source, load, follows_file })
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
