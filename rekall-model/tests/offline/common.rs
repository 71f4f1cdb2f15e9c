//! Reading of fixtures and golden vectors.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use tempfile::TempDir;

/// A folder under `tests/fixtures`.
pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// A copy of a fixture, to be damaged.
pub(crate) fn copy_of(name: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy_into(&fixture(name), folder.path());
    folder
}

fn copy_into(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            fs::create_dir(&target).unwrap();
            copy_into(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
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
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
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
