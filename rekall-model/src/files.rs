//! Reading model files: only regular files of a bounded size are read, whatever a folder holds under a name.

use std::fs::{File, Metadata, OpenOptions};
use std::io::Read;
use std::path::Path;

use serde::de::DeserializeOwned;

use crate::Error;

/// Largest settings file, such as `config.json`. Those of real models have a few kilobytes; a
/// `tokenizer_config.json` with tables of added tokens has one megabyte.
pub(crate) const MAX_SETTINGS_BYTES: u64 = 16 << 20;
/// Largest `tokenizer.json`. That of a vocabulary of 500,000 has 35 MB.
pub(crate) const MAX_TOKENIZER_BYTES: u64 = 64 << 20;
/// Largest file of weights. They are mapped and hashed, so the time grows with their size.
pub(crate) const MAX_WEIGHTS_BYTES: u64 = 16 << 30;

/// `blake3:` and the digest in hexadecimal.
pub(crate) fn digest(bytes: &[u8]) -> String {
    format!("blake3:{}", blake3::hash(bytes).to_hex())
}

/// The digest of a file, read piece by piece: none of it stays in the process's memory.
#[cfg(feature = "transformer")]
pub(crate) fn digest_of_file(path: &Path) -> Result<String, Error> {
    let (file, length) = open(path, MAX_WEIGHTS_BYTES)?;
    let mut hasher = blake3::Hasher::new();
    // No further than its length when it was opened: a growing file must not be read forever.
    hasher.update_reader(file.take(length)).map_err(|source| Error::io(path, source))?;
    Ok(format!("blake3:{}", hasher.finalize().to_hex()))
}

/// Opens a regular file of at most `most` bytes, and returns its length.
///
/// A pipe under the name of a model file would block forever, and a device would never end. The type is
/// checked before opening, because opening alone can start a device. Opening does not block, and the type is
/// checked again afterwards, because the name may refer to another file by then.
pub(crate) fn open(path: &Path, most: u64) -> Result<(File, u64), Error> {
    let failed = |source| Error::io(path, source);
    check_regular_file(path, &path.metadata().map_err(failed)?, most)?;
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK | libc::O_NOCTTY);
    let file = options.open(path).map_err(failed)?;
    let length = check_regular_file(path, &file.metadata().map_err(failed)?, most)?;
    Ok((file, length))
}

/// Checks that this is a regular file of at most `most` bytes, and returns its length.
fn check_regular_file(path: &Path, metadata: &Metadata, most: u64) -> Result<u64, Error> {
    if !metadata.is_file() {
        let got = if metadata.is_dir() { "a folder" } else { "a pipe, a socket or a device" };
        return Err(Error::invalid_file(path, "a regular file", got));
    }
    if metadata.len() > most {
        return Err(too_long(path, most, format!("{} bytes", metadata.len())));
    }
    Ok(metadata.len())
}

fn too_long(path: &Path, most: u64, got: String) -> Error {
    Error::invalid_file(path, format!("at most {most} bytes"), got)
}

/// Reads a regular file of at most `most` bytes.
pub(crate) fn read(path: &Path, most: u64) -> Result<Vec<u8>, Error> {
    let failed = |source| Error::io(path, source);
    let (file, length) = open(path, most)?;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(length as usize).map_err(|error| failed(error.into()))?;
    // The reported length may be wrong (`/proc`), or the file may grow meanwhile.
    file.take(most + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > most {
        return Err(too_long(path, most, "more".into()));
    }
    Ok(bytes)
}

/// Reads and parses a JSON file of settings that has to be there.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, Error> {
    let bytes = match read(path, MAX_SETTINGS_BYTES) {
        Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            return Err(Error::MissingFile { path: path.to_owned(), expected: "a JSON file".into() });
        }
        read => read?,
    };
    if bytes.is_empty() {
        return Err(Error::invalid_file(path, "JSON", "0 bytes"));
    }
    serde_json::from_slice(&bytes)
        .map_err(|error| Error::invalid_file(path, "JSON of a model", error.to_string()))
}

/// The last part of a folder's path, as the model's name.
pub(crate) fn folder_name(folder: &Path) -> String {
    // "." and ".." have no name of their own.
    let resolved = folder.canonicalize();
    let name = resolved.as_deref().unwrap_or(folder).file_name();
    name.map_or_else(|| "model".into(), |name| name.to_string_lossy().into_owned())
}
