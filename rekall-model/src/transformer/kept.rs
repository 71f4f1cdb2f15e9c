//! Matrices in eight bits, rounded once and kept in a file that later loads map.
//!
//! The file is made from the weights and can be made again at any time: one that is missing, damaged, or of other weights or
//! another layout, is made anew, and where none can be written nothing is kept. It holds, one after the other: a first line, the
//! panels, scales and offsets of each matrix, an index of them in JSON, the index's length, and the digest of all that.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::Precision;
use crate::bytes::Bytes;
use crate::cpu::{PackedInt8, panel_width};
use crate::mapped::MappedFile;

const FIRST_LINE: &[u8] = b"rekall: matrices in eight bits, version 1\n";

/// Panels begin at multiples of this.
const ALIGNMENT: usize = 64;

/// Bytes of the digest.
const DIGEST: usize = blake3::OUT_LEN;

/// Unfinished files that are older than this were left by a process that was killed.
const ABANDONED: Duration = Duration::from_secs(3600);

/// How a network's matrices are made.
#[derive(Debug)]
pub(super) struct Matrices {
    pub(super) precision: Precision,
    kept: RefCell<Kept>,
}

#[derive(Debug)]
enum Kept {
    None,
    /// Matrices that an earlier load has kept.
    Found(Found),
    /// Those of this load.
    Keeping(Box<Writer>),
}

impl Matrices {
    /// Without anything kept.
    pub(super) fn of(precision: Precision) -> Self {
        Self { precision, kept: RefCell::new(Kept::None) }
    }

    /// In eight bits kept in `folder`, for the weights of this digest; nothing is kept of floats.
    pub(super) fn kept_in(folder: &Path, weights: &str, precision: Precision) -> Self {
        if precision == Precision::F32 {
            return Self::of(precision);
        }
        let origin = Origin { weights: weights.to_owned(), panel_width: panel_width() };
        let path = folder.join(origin.file_name());
        let kept = match Found::open(&path, &origin) {
            Some(found) => Kept::Found(found),
            None => match Writer::begin(folder, path, origin) {
                Ok(writer) => Kept::Keeping(Box::new(writer)),
                Err(error) => {
                    tracing::debug!(%error, folder = %folder.display(), "matrices in eight bits are not kept");
                    Kept::None
                }
            },
        };
        Self { precision, kept: RefCell::new(kept) }
    }

    /// A matrix of that name, if it was kept.
    pub(super) fn find(&self, name: &str, k: usize, n: usize) -> Option<PackedInt8> {
        match &*self.kept.borrow() {
            Kept::Found(found) => found.matrix(name, k, n),
            _ => None,
        }
    }

    /// Keeps a matrix that was made.
    pub(super) fn keep(&self, name: &str, matrix: &PackedInt8) {
        let mut kept = self.kept.borrow_mut();
        if let Kept::Keeping(writer) = &mut *kept
            && let Err(error) = writer.add(name, matrix)
        {
            tracing::debug!(%error, "matrices in eight bits are not kept");
            *kept = Kept::None;
        }
    }

    /// All matrices were made: the file takes its name, whole.
    pub(super) fn finish(self) {
        if let Kept::Keeping(writer) = self.kept.into_inner()
            && let Err(error) = writer.finish()
        {
            tracing::debug!(%error, "matrices in eight bits are not kept");
        }
    }
}

/// What a file's matrices were made from, and for which processors they are laid out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Origin {
    /// Digest of the file of weights.
    weights: String,
    panel_width: usize,
}

impl Origin {
    fn file_name(&self) -> String {
        let digest = self.weights.rsplit(':').next().unwrap_or_default();
        format!("int8-{}-{}", self.panel_width, digest.get(..16).unwrap_or(digest))
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Index {
    #[serde(flatten)]
    origin: Origin,
    matrices: BTreeMap<String, Place>,
}

/// Where a matrix stands in the file.
#[derive(Debug, Serialize, Deserialize)]
struct Place {
    k: usize,
    n: usize,
    panels: Range<usize>,
    scales: Range<usize>,
    offsets: Range<usize>,
}

/// A sound file of these weights.
#[derive(Debug)]
struct Found {
    file: Bytes,
    index: Index,
}

impl Found {
    fn open(path: &Path, origin: &Origin) -> Option<Self> {
        let file = Bytes::from_mapped(MappedFile::open(path).ok()?);
        let found = Self::parse(file, origin);
        if found.is_none() {
            tracing::debug!(path = %path.display(), "damaged, or of other weights: made anew");
        }
        found
    }

    fn parse(file: Bytes, origin: &Origin) -> Option<Self> {
        let (content, digest) = file.split_at_checked(file.len().checked_sub(DIGEST)?)?;
        if !content.starts_with(FIRST_LINE) || blake3::hash(content).as_bytes() != digest {
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

    fn matrix(&self, name: &str, k: usize, n: usize) -> Option<PackedInt8> {
        let place = self.index.matrices.get(name).filter(|place| (place.k, place.n) == (k, n))?;
        let scales = self.file.get(place.scales.clone())?.as_chunks().0;
        let offsets = self.file.get(place.offsets.clone())?.as_chunks().0;
        PackedInt8::from_parts(
            k,
            self.file.slice(place.panels.clone())?,
            scales.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
            offsets.iter().map(|bytes| i32::from_le_bytes(*bytes)).collect(),
        )
    }
}

/// A file in the making. It has its name only once it is whole.
#[derive(Debug)]
struct Writer {
    file: File,
    unfinished: Unfinished,
    target: PathBuf,
    hasher: blake3::Hasher,
    length: usize,
    index: Index,
}

/// Removes the file that it names, unless that was renamed.
#[derive(Debug)]
struct Unfinished(Option<PathBuf>);

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            drop(fs::remove_file(path));
        }
    }
}

impl Writer {
    fn begin(folder: &Path, target: PathBuf, origin: Origin) -> io::Result<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        fs::create_dir_all(folder)?;
        remove_abandoned(folder);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!("{}-{number}.unfinished", std::process::id()));
        let file = OpenOptions::new().write(true).create_new(true).open(&path)?;
        let index = Index { origin, matrices: BTreeMap::new() };
        let unfinished = Unfinished(Some(path));
        let hasher = blake3::Hasher::new();
        let mut writer = Self { file, unfinished, target, hasher, length: 0, index };
        writer.write(FIRST_LINE)?;
        Ok(writer)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<Range<usize>> {
        self.file.write_all(bytes)?;
        self.hasher.update(bytes);
        let start = self.length;
        self.length += bytes.len();
        Ok(start..self.length)
    }

    fn add(&mut self, name: &str, matrix: &PackedInt8) -> io::Result<()> {
        self.write(&[0; ALIGNMENT][..self.length.next_multiple_of(ALIGNMENT) - self.length])?;
        let (panels, scales, offsets) = matrix.parts();
        let panels = self.write(panels)?;
        let scales = self.write(&scales.iter().flat_map(|scale| scale.to_le_bytes()).collect::<Vec<_>>())?;
        let offsets =
            self.write(&offsets.iter().flat_map(|offset| offset.to_le_bytes()).collect::<Vec<_>>())?;
        let (k, n) = (matrix.view().k, matrix.view().n);
        self.index.matrices.insert(name.to_owned(), Place { k, n, panels, scales, offsets });
        Ok(())
    }

    fn finish(mut self) -> io::Result<()> {
        let index = serde_json::to_vec(&self.index)?;
        self.write(&index)?;
        self.write(&(index.len() as u64).to_le_bytes())?;
        let digest = self.hasher.finalize();
        self.file.write_all(digest.as_bytes())?;
        // Its content has to be on the disk before its name says that it is whole.
        self.file.sync_all()?;
        if let Some(path) = &self.unfinished.0 {
            fs::rename(path, &self.target)?;
        }
        self.unfinished.0 = None;
        Ok(())
    }
}

/// Removes what processes that were killed have left unfinished.
fn remove_abandoned(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let written = entry.metadata().and_then(|metadata| metadata.modified());
        let age = written.ok().and_then(|written| SystemTime::now().duration_since(written).ok());
        if path.extension().is_some_and(|ending| ending == "unfinished")
            && age.is_some_and(|age| age > ABANDONED)
        {
            drop(fs::remove_file(path));
        }
    }
}
