//! The host's own model, and why it failed last.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use rekall_model::{Embedder, Embeddings, Error, ErrorKind, Fingerprint, Progress};

/// A host's model. It is used as it is; what it fails with is noted for those who ask why entries wait.
pub(crate) struct OwnModel {
    embedder: Arc<dyn Embedder>,
    failure: Mutex<Option<String>>,
}

impl OwnModel {
    pub(super) fn new(embedder: Arc<dyn Embedder>) -> Self {
        Self { embedder, failure: Mutex::default() }
    }

    /// Why the model failed, if it has not embedded anything since.
    pub(super) fn last_failure(&self) -> Option<String> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn noted<T>(&self, made: Result<T, Error>) -> Result<T, Error> {
        let failure = match &made {
            Ok(_) => None,
            Err(error) => match error.kind() {
                // Of one text, or of the caller.
                ErrorKind::Unembeddable | ErrorKind::InvalidInput | ErrorKind::Cancelled => return made,
                _ => Some(error.to_string()),
            },
        };
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = failure;
        made
    }
}

impl Embedder for OwnModel {
    fn fingerprint(&self) -> &Fingerprint {
        self.embedder.fingerprint()
    }

    fn dimensions(&self) -> usize {
        self.embedder.dimensions()
    }

    fn max_tokens(&self) -> Option<usize> {
        self.embedder.max_tokens()
    }

    fn count_tokens(&self, text: &str) -> Result<usize, Error> {
        self.embedder.count_tokens(text)
    }

    fn known_share(&self, text: &str) -> Result<Option<f32>, Error> {
        self.embedder.known_share(text)
    }

    fn embed_documents(&self, texts: &[&str]) -> Result<Vec<f32>, Error> {
        self.noted(self.embedder.embed_documents(texts))
    }

    fn embed_query(&self, text: &str) -> Result<Vec<f32>, Error> {
        self.noted(self.embedder.embed_query(text))
    }

    fn memory_bytes(&self) -> usize {
        self.embedder.memory_bytes()
    }

    fn embed_documents_observed(
        &self,
        texts: &[&str],
        observe: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Embeddings, Error> {
        self.noted(self.embedder.embed_documents_observed(texts, observe))
    }
}
