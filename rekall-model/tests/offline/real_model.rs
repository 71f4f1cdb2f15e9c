//! Real models, which are too large for the repository.

use std::io::Write;
use std::path::PathBuf;

use rekall_model::{LoadOptions, ModelSource};

/// A real model, from the hub's cache that `REKALL_TEST_HUB_CACHE` names (`cargo xtask test` fetches it);
/// without that, says that the test is skipped. A build without the hub reads the same files as a folder.
pub(crate) fn real_model(repo: &str) -> Option<(ModelSource, LoadOptions)> {
    let mut options = LoadOptions::default();
    options.offline = true;
    options.hub_cache = std::env::var_os("REKALL_TEST_HUB_CACHE").map(PathBuf::from);
    let home =
        options.hub_cache.as_ref().map(|cache| cache.join(format!("models--{}", repo.replace('/', "--"))));
    let Some(home) = home.filter(|home| home.exists()) else {
        // `eprintln!` would go to the test harness, which hides what a passing test prints.
        #[allow(clippy::explicit_write)]
        writeln!(std::io::stderr(), "skipped: {repo} is not in REKALL_TEST_HUB_CACHE").unwrap();
        return None;
    };
    if cfg!(feature = "hub") {
        return Some((ModelSource::Hub { repo: repo.to_owned(), revision: None }, options));
    }
    let commit = std::fs::read_to_string(home.join("refs/main")).unwrap();
    Some((ModelSource::Path(home.join("snapshots").join(commit)), options))
}
