//! Read-only mapping of model files. The `unsafe` code that reads models is here and nowhere else.
#![allow(unsafe_code)]

use std::ops::Deref;
use std::path::Path;

use crate::Error;
use crate::files::{self, MAX_WEIGHTS_BYTES};

/// A file's bytes, mapped: pages are read when touched, shared between processes and given back
/// by the operating system under pressure; none of it is heap.
#[derive(Debug)]
pub(crate) struct MappedFile(memmap2::Mmap);

impl MappedFile {
    /// Maps a whole file of weights. A file of zero bytes is an error, as no model file is empty.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let (file, length) = files::open(path, MAX_WEIGHTS_BYTES)?;
        if length == 0 {
            return Err(Error::invalid_file(path, "a model file", "0 bytes"));
        }
        // Hub caches and installed models replace files by renaming, which leaves a mapping whole.
        // SAFETY: read-only and private to this value. That nobody rewrites the file while it is
        // mapped cannot be enforced: it is a rule in the documentation of `ModelSource::Path`.
        let map = unsafe { memmap2::Mmap::map(&file) };
        Ok(Self(map.map_err(|source| Error::io(path, source))?))
    }
}

impl MappedFile {
    /// Drops the resident pages; later reads fetch them from the file again.
    #[cfg(feature = "transformer")]
    pub(crate) fn forget_pages(&self) {
        #[cfg(unix)]
        {
            // SAFETY: the mapping is backed by a file and never written to, so that dropped pages
            // come back with the same contents.
            let outcome = unsafe { self.0.unchecked_advise(memmap2::UncheckedAdvice::DontNeed) };
            // It is only advice: a system that refuses it keeps the pages a little longer.
            drop(outcome);
        }
    }
}

impl Deref for MappedFile {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}
