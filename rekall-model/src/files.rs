//! Reading of small model files, and digests.

use std::path::Path;

use serde::de::DeserializeOwned;

use crate::Error;

/// `blake3:` and the digest in hexadecimal.
pub(crate) fn digest(bytes: &[u8]) -> String {
    format!("blake3:{}", blake3::hash(bytes).to_hex())
}

/// The digest of a file, read piece by piece: none of it stays in the process's memory.
#[cfg(feature = "transformer")]
pub(crate) fn digest_of_file(path: &Path) -> Result<String, Error> {
    let file = std::fs::File::open(path).map_err(|source| Error::io(path, source))?;
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(file).map_err(|source| Error::io(path, source))?;
    Ok(format!("blake3:{}", hasher.finalize().to_hex()))
}

/// Reads and parses a JSON file that has to be there.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, Error> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(source) if source.kind() == std::io::ErrorKind::NotFound => {
            return Err(Error::MissingFile { path: path.to_owned(), expected: "a JSON file".into() });
        }
        Err(source) => return Err(Error::io(path, source)),
    };
    if bytes.is_empty() {
        return Err(Error::bad_file(path, "JSON", "0 bytes"));
    }
    serde_json::from_slice(&bytes)
        .map_err(|error| Error::bad_file(path, "JSON of a model", error.to_string()))
}

/// The last part of a folder's path, as the model's name.
pub(crate) fn folder_name(folder: &Path) -> String {
    // "." and ".." have no name of their own.
    let resolved = folder.canonicalize();
    let name = resolved.as_deref().unwrap_or(folder).file_name();
    name.map_or_else(|| "model".into(), |name| name.to_string_lossy().into_owned())
}
