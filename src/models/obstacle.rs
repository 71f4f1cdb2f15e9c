//! What keeps entries from getting vectors, as far as it is known.

use rekall_model::{Embedder, ModelState};

use super::{ManagedModel, Models, same_space};
use crate::Error;

impl Models {
    /// Loads the model, and fails if it cannot be used as it is, however often one tries.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match self.lease(None) {
            Err(Error::Model(error)) if error.is_permanent() => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Why entries get no vectors of the space whose fingerprint this is; `None`: nothing is known to be in the way.
    /// Loads nothing and never touches the network; a model that was not tried yet is judged by its small files.
    pub(crate) fn obstacle(&self, active: Option<&str>) -> Option<String> {
        let (failure, fingerprint) = match self {
            Self::Managed(model) => (model.obstacle(), model.manager.fingerprint()),
            Self::Own(model) => (model.last_failure(), Some(model.fingerprint().clone())),
            Self::Vectors(_) | Self::None => (Some(Error::NoModel.to_string()), None),
        };
        failure.or_else(|| {
            let (stored, requested) = (active?, fingerprint?);
            let differs = !same_space(stored, requested.as_str());
            differs.then(|| {
                let (stored, requested) = (stored.to_owned(), requested.as_str().to_owned());
                Error::ModelMismatch { stored, requested }.to_string()
            })
        })
    }
}

impl ManagedModel {
    fn obstacle(&self) -> Option<String> {
        if let Some(failure) = self.manager.last_failure() {
            return Some(failure.to_string());
        }
        let stats = self.manager.stats();
        let was_tried = stats.loads > 0 || stats.state != ModelState::Unloaded;
        if was_tried {
            return None;
        }
        rekall_model::check(&self.source, &self.load).err().map(|error| error.to_string())
    }
}
