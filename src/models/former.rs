//! Files whose vectors a former built-in model made, opened by a host that asks for the built-in model: they go on with
//! the former one, where this build has it, until they are embedded again.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use super::Models;
use super::identity::former_model;
use crate::{Degraded, Error, Rekall};

impl Rekall {
    /// Takes the built-in model that made the vectors `stored`, where the host asked for the built-in one and that
    /// is not the one in use any more, because another program has embedded the file again.
    pub(super) fn follow_file(
        &self,
        models: &Arc<Models>,
        stored: &str,
    ) -> Result<Option<Arc<Models>>, Error> {
        let Some(newer) = models.following(stored, &self.opening.settings, &self.opening.events)? else {
            return Ok(None);
        };
        let _switching = self.switching.write().unwrap_or_else(PoisonError::into_inner);
        let current = self.models.load_full();
        if !Arc::ptr_eq(models, &current) {
            return Ok(Some(current));
        }
        let newer = Arc::new(newer);
        self.install(&newer);
        Ok(Some(newer))
    }

    /// That a search used vectors of a former built-in model: said once for each opening of a file.
    pub(crate) fn note_former_model(&self) -> Result<Option<Degraded>, Error> {
        if self.former_model_noted.load(Ordering::Relaxed) || !self.models.load().is_former() {
            return Ok(None);
        }
        let space = self.store.read()?.active_space()?;
        let model = space.and_then(|space| former_model(&space.fingerprint));
        let first = |_: &String| !self.former_model_noted.swap(true, Ordering::Relaxed);
        Ok(model.filter(first).map(|model| Degraded::FormerModel { model }))
    }
}
