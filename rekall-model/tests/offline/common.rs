//! Reading of fixtures and golden vectors.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use safetensors::SafeTensors;
use serde_json::json;
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

/// What names weights in several files.
#[allow(dead_code, reason = "not every test needs it")]
pub(crate) const INDEX: &str = "model.safetensors.index.json";

/// The files that [`split`] writes.
#[allow(dead_code, reason = "not every test needs it")]
pub(crate) const FILES: [&str; 2] = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];

/// Divides `model.safetensors` into two files, in turns by the order of the tensors' names, and writes their index.
#[allow(dead_code, reason = "not every test needs it")]
pub(crate) fn split(folder: &Path) {
    let whole = fs::read(folder.join("model.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&whole).unwrap();
    let mut names = tensors.names();
    names.sort_unstable();
    let place = |name: &str| FILES[names.iter().position(|known| *known == name).unwrap() % 2];
    let map: serde_json::Map<_, _> =
        names.iter().map(|name| ((*name).to_owned(), place(name).into())).collect();
    for file in FILES {
        let of_file = tensors.tensors().into_iter().filter(|(name, _)| place(name) == file);
        fs::write(folder.join(file), safetensors::serialize(of_file, None).unwrap()).unwrap();
    }
    let index = json!({"metadata": {"total_size": whole.len()}, "weight_map": map});
    fs::write(folder.join(INDEX), index.to_string()).unwrap();
    fs::remove_file(folder.join("model.safetensors")).unwrap();
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
