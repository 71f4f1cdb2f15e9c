//! Fixtures, real models and golden vectors.

use std::io::Write;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rekall_model::{LoadOptions, ModelSource};

/// A folder under `tests/fixtures`.
pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// A real model, from the hub's cache that `REKALL_TEST_HUB_CACHE` names (`cargo xtask test` fetches it); without
/// that, says that the test is skipped. A build without the hub reads the same files as a folder.
#[cfg_attr(not(feature = "transformer"), allow(dead_code))]
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

/// Texts and the vectors the reference implementation gives them.
#[derive(serde::Deserialize)]
pub(crate) struct Golden {
    pub(crate) dimensions: usize,
    pub(crate) texts: Vec<String>,
    rows_f32le_base64: String,
}

impl Golden {
    /// Reads `tests/golden/NAME.json`.
    pub(crate) fn read(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("{name}.json"));
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    }

    /// The vector of a text, brought to length 1; `None` where the reference has none.
    pub(crate) fn unit_row(&self, index: usize) -> Option<Vec<f32>> {
        let bytes = BASE64_STANDARD.decode(&self.rows_f32le_base64).unwrap();
        let row: Vec<f32> = bytes[index * self.dimensions * 4..][..self.dimensions * 4]
            .as_chunks()
            .0
            .iter()
            .map(|b| f32::from_le_bytes(*b))
            .collect();
        let norm = row.iter().map(|x| f64::from(x * x)).sum::<f64>().sqrt();
        (norm > 0.0).then(|| row.iter().map(|x| (f64::from(*x) / norm) as f32).collect())
    }
}
