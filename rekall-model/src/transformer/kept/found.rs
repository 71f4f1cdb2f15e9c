//! A file of kept matrices that an earlier load has written.

use std::fs::{self, OpenOptions};
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::layout::{DIGEST, Index, Origin, Stored};
use super::writer::tidy;
use crate::Precision;
use crate::bytes::Bytes;
use crate::cpu::{Packed, PackedInt8};
use crate::mapped::MappedFile;
use crate::transformer::reader::Matrix;

/// How seldom a file's time is set to that of its last use.
const MARKED: Duration = Duration::from_hours(24);

/// A sound file of these weights.
#[derive(Debug)]
pub(super) struct Found {
    file: Bytes,
    index: Index,
}

impl Found {
    pub(super) fn open(path: &Path, origin: &Origin) -> Option<Self> {
        let found = match MappedFile::open(path) {
            Ok(file) => Self::parse(Bytes::from_mapped(file), origin),
            // Nothing can be mapped of it.
            Err(_) if path.metadata().is_ok_and(|metadata| metadata.len() == 0) => None,
            // It may be sound, and this process out of files.
            Err(_) => return None,
        };
        match found {
            // Seldom enough to look for what is not used any more as well.
            Some(_) => {
                if let Some(folder) = path.parent().filter(|_| mark_used(path)) {
                    tidy(folder);
                }
            }
            None => {
                tracing::debug!(path = %path.display(), "damaged, or of other weights: made anew");
                // Once it is gone, the first of several processes to finish a new one gives all of them its file.
                drop(fs::remove_file(path));
            }
        }
        found
    }

    fn parse(file: Bytes, origin: &Origin) -> Option<Self> {
        let (content, digest) = file.split_at_checked(file.len().checked_sub(DIGEST)?)?;
        if !content.starts_with(origin.first_line()) || blake3::hash(content).as_bytes() != digest {
            return None;
        }
        let (content, length) = content.split_last_chunk::<8>()?;
        let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
        let index = content.get(content.len().checked_sub(length)?..)?;
        let index: Index = serde_json::from_slice(index).ok()?;
        if index.origin != *origin {
            return None;
        }
        // Checking has read the whole file; pages come back as they are needed.
        file.forget_pages();
        Some(Self { file, index })
    }

    pub(super) fn matrix(&self, name: &str, k: usize, n: usize) -> Option<Matrix> {
        let stored = self.index.matrices.get(name).filter(|stored| (stored.k, stored.n) == (k, n))?;
        let Stored { panels, scales, offsets, .. } = stored;
        let panels = self.file.slice(panels.clone())?;
        if self.index.origin.precision() == Precision::F32 {
            return Packed::from_parts(k, n, panels).map(Matrix::F32);
        }
        let scales = self.file.get(scales.clone())?.as_chunks().0;
        let offsets = self.file.get(offsets.clone())?.as_chunks().0;
        PackedInt8::from_parts(
            k,
            panels,
            scales.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
            offsets.iter().map(|bytes| i32::from_le_bytes(*bytes)).collect(),
        )
        .map(Matrix::Int8)
    }
}

/// Notes in the file's time that it is in use, and says whether it was long ago that this was noted last. A time that cannot be
/// changed means at worst that the file is made anew.
fn mark_used(path: &Path) -> bool {
    let now = SystemTime::now();
    let marked = path.metadata().and_then(|metadata| metadata.modified());
    let is_due = marked.is_ok_and(|marked| now.duration_since(marked).is_ok_and(|age| age > MARKED));
    if is_due && let Ok(file) = OpenOptions::new().append(true).open(path) {
        drop(file.set_modified(now));
    }
    is_due
}
