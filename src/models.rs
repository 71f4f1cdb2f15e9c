//! The model of an open file: loaded when first needed, once.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use rekall_model::{Embedder, LoadOptions, ModelSource};

use crate::Error;
use crate::event::{Event, Events};

/// Where vectors come from.
#[derive(Clone)]
pub(crate) enum ModelChoice {
    /// A model that this library loads.
    Source(ModelSource, LoadOptions),
    /// The host's own model.
    Own(Arc<dyn Embedder>),
    /// The host hands vectors in; text cannot be embedded.
    Vectors(rekall_model::Fingerprint),
    /// No vectors at all.
    None,
}

pub(crate) struct Models {
    choice: ModelChoice,
    loaded: Mutex<Option<Arc<dyn Embedder>>>,
    events: Events,
}

impl Models {
    pub(crate) fn new(choice: ModelChoice, events: Events) -> Self {
        let loaded = match &choice {
            ModelChoice::Own(embedder) => Some(Arc::clone(embedder)),
            _ => None,
        };
        Self { choice, loaded: Mutex::new(loaded), events }
    }

    /// The model, loaded if need be; other threads that ask meanwhile wait for the same load.
    pub(crate) fn embedder(&self) -> Result<Arc<dyn Embedder>, Error> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(embedder) = loaded.as_ref() {
            return Ok(Arc::clone(embedder));
        }
        let ModelChoice::Source(source, options) = &self.choice else { return Err(Error::NoModel) };
        let model = source.to_string();
        self.events.send(&Event::ModelLoading { model: model.clone() });
        let started = Instant::now();
        let embedder = rekall_model::load(source, options)?;
        self.events.send(&Event::ModelLoaded { model, elapsed: started.elapsed() });
        *loaded = Some(Arc::clone(&embedder));
        Ok(embedder)
    }

    /// Whether text can be embedded, as far as can be told without loading.
    pub(crate) fn can_embed(&self) -> bool {
        matches!(self.choice, ModelChoice::Source(..) | ModelChoice::Own(_))
    }

    /// Identity and length of the vectors that the host hands in or the model makes.
    pub(crate) fn identity(&self) -> Result<(String, usize), Error> {
        if let ModelChoice::Vectors(fingerprint) = &self.choice {
            let dimensions = fingerprint.dimensions().unwrap_or_default();
            return Ok((fingerprint.as_str().to_owned(), dimensions));
        }
        let embedder = self.embedder()?;
        Ok((embedder.fingerprint().as_str().to_owned(), embedder.dimensions()))
    }

    /// The model's name and heap bytes, when it is loaded.
    pub(crate) fn resident(&self) -> Option<(String, usize)> {
        let loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let embedder = loaded.as_ref()?;
        Some((embedder.fingerprint().model().to_owned(), embedder.memory_bytes()))
    }
}
