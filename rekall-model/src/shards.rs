//! Weights in several files, and the index that says which of them has which tensor.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path};

use serde::Deserialize;

use crate::Error;
use crate::files::read_json;

/// The index beside such files.
pub(crate) const INDEX: &str = "model.safetensors.index.json";

/// Most files of a model. Known embedding models have up to six.
const MAX_FILES: usize = 1024;

/// What an index says; its totals, which some writers get wrong, are not used.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Index {
    /// The file of each tensor.
    weight_map: BTreeMap<String, String>,
}

impl Index {
    /// Reads and checks an index.
    ///
    /// # Errors
    /// [`Error::InvalidFile`] if it names nothing, too many files, or anything but a file beside it.
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        let index: Self = read_json(path)?;
        if index.weight_map.is_empty() {
            return Err(Error::invalid_file(path, "a weight_map with tensors", "none"));
        }
        for (tensor, file) in &index.weight_map {
            let mut parts = Path::new(file).components();
            let is_plain = matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None));
            if !is_plain || !file.ends_with(".safetensors") || file.contains(['/', '\\']) {
                let expected = format!("a file *.safetensors beside the index for `{tensor}`");
                return Err(Error::invalid_file(path, expected, format!("{file:?}")));
            }
        }
        let count = index.files().len();
        if count > MAX_FILES {
            return Err(Error::invalid_file(path, format!("at most {MAX_FILES} files"), count.to_string()));
        }
        Ok(index)
    }

    /// Each file once.
    pub(crate) fn files(&self) -> BTreeSet<&str> {
        self.weight_map.values().map(String::as_str).collect()
    }

    /// Each tensor with its file.
    #[cfg(feature = "transformer")]
    pub(crate) fn tensors(&self) -> impl Iterator<Item = (&str, &str)> {
        self.weight_map.iter().map(|(tensor, file)| (tensor.as_str(), file.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Index, Error> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(INDEX);
        std::fs::write(&path, json).unwrap();
        Index::read(&path)
    }

    #[test]
    fn an_index_names_files_beside_it_and_nothing_else() {
        let index = read(
            r#"{"metadata": {"total_size": 7}, "weight_map": {"b": "2.safetensors", "a": "1.safetensors", "c": "2.safetensors"}}"#,
        );
        assert_eq!(
            index.unwrap().files().into_iter().collect::<Vec<_>>(),
            ["1.safetensors", "2.safetensors"]
        );
        for file in [
            "",
            ".",
            "..",
            "../x.safetensors",
            "/x.safetensors",
            "a/x.safetensors",
            "x.bin",
            "a\\\\x.safetensors",
        ] {
            let error = read(&format!(r#"{{"weight_map": {{"a.weight": "{file}"}}}}"#)).unwrap_err();
            assert!(matches!(error, Error::InvalidFile { .. }), "{error}");
            assert!(error.to_string().contains("beside the index for `a.weight`, got \""), "{error}");
        }
        for (json, expected) in [
            (r#"{"weight_map": {}}"#, "a weight_map with tensors, got none"),
            (r#"{"metadata": {}}"#, "JSON of a model, got missing field `weight_map`"),
        ] {
            let message = read(json).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
        let many: Vec<String> = (0..1025).map(|at| format!("\"{at}\": \"{at}.safetensors\"")).collect();
        let message = read(&format!(r#"{{"weight_map": {{{}}}}}"#, many.join(","))).unwrap_err().to_string();
        assert!(message.ends_with("at most 1024 files, got 1025"), "{message}");
    }
}
