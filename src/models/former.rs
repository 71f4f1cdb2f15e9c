//! Files whose vectors a former built-in model made, opened by a host that asks for the built-in model: they go on with
//! the former one, where this build has it, until they are embedded again.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use rekall_model::{Fingerprint, LoadOptions, ModelSource};

use super::{Models, same_space};
use crate::{Degraded, Error, Rekall};

/// The name of the former built-in model that made these vectors; `None`: another model, or the current one.
pub(crate) fn former_model(stored: &str) -> Option<String> {
    let fingerprint = Fingerprint::parse(stored).ok()?;
    let source = fingerprint.bundled_model()?;
    (source != ModelSource::Bundled).then(|| fingerprint.model().to_owned())
}

/// The built-in model that made these vectors with these options, if it is another than `current` and in this build.
pub(super) fn other_bundled(
    stored: &str,
    current: &ModelSource,
    options: &LoadOptions,
) -> Option<ModelSource> {
    let source = Fingerprint::parse(stored).ok()?.bundled_model().filter(|source| source != current)?;
    // Microseconds: a built-in model is used where it lies.
    let model = rekall_model::load(&source, options).ok()?;
    same_space(stored, model.fingerprint().as_str()).then_some(source)
}

impl Rekall {
    /// Takes the built-in model that made the vectors `stored`, where the host asked for the built-in one and that
    /// is not the one in use any more, because another program has embedded the file again.
    pub(super) fn follow_file(
        &self,
        models: &Arc<Models>,
        stored: &str,
    ) -> Result<Option<Arc<Models>>, Error> {
        let Some(newer) = models.following(stored, &self.settings, &self.events)? else { return Ok(None) };
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
