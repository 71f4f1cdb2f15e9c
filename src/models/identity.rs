//! Which model made vectors, by their space's fingerprint.

use rekall_model::{Fingerprint, LoadOptions, ModelSource};

/// Whether two fingerprints describe one vector space: a model's name does not matter, only what it is.
pub(crate) fn same_space(a: &str, b: &str) -> bool {
    a == b || matches!((Fingerprint::parse(a), Fingerprint::parse(b)), (Ok(a), Ok(b)) if a.same_space(&b))
}

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
