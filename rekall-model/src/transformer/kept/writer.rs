//! Writing a file of matrices, and removing what nobody needs any more.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::layout::{ALIGNMENT, Index, Origin, Stored};
use crate::transformer::reader::Matrix;

/// Unfinished files that are older than this were left by a process that was killed.
const ABANDONED: Duration = Duration::from_hours(1);

/// Files that no load has used for this long are those of weights that were replaced, or of another machine's processor.
const UNUSED: Duration = Duration::from_hours(30 * 24);

/// A file in the making. It has its name only once it is whole.
#[derive(Debug)]
pub(super) struct Writer {
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
    pub(super) fn begin(folder: &Path, origin: Origin) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let target = folder.join(origin.file_name());
        tidy(folder);
        // A process's number says little where containers share a folder.
        let random = RandomState::new().build_hasher().finish();
        let path = folder.join(format!("{random:016x}.unfinished"));
        let file = OpenOptions::new().write(true).create_new(true).open(&path)?;
        let first_line = origin.first_line();
        let index = Index { origin, matrices: BTreeMap::new() };
        let unfinished = Unfinished(Some(path));
        let hasher = blake3::Hasher::new();
        let mut writer = Self { file, unfinished, target, hasher, length: 0, index };
        writer.write(first_line)?;
        Ok(writer)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<Range<usize>> {
        self.file.write_all(bytes)?;
        self.hasher.update(bytes);
        let start = self.length;
        self.length += bytes.len();
        Ok(start..self.length)
    }

    pub(super) fn add(&mut self, name: &str, matrix: &Matrix) -> io::Result<()> {
        self.write(&[0; ALIGNMENT][..self.length.next_multiple_of(ALIGNMENT) - self.length])?;
        let stored = match matrix {
            Matrix::F32(matrix) => {
                let panels = self.write(matrix.bytes())?;
                let (k, n) = (matrix.view().k, matrix.view().n);
                Stored { k, n, panels, scales: 0..0, offsets: 0..0 }
            }
            Matrix::Int8(matrix) => {
                let (panels, scales, offsets) = matrix.parts();
                let panels = self.write(panels)?;
                let scales =
                    self.write(&scales.iter().flat_map(|scale| scale.to_le_bytes()).collect::<Vec<_>>())?;
                let offsets =
                    self.write(&offsets.iter().flat_map(|offset| offset.to_le_bytes()).collect::<Vec<_>>())?;
                let (k, n) = (matrix.view().k, matrix.view().n);
                Stored { k, n, panels, scales, offsets }
            }
        };
        self.index.matrices.insert(name.to_owned(), stored);
        Ok(())
    }

    pub(super) fn finish(mut self) -> io::Result<()> {
        let index = serde_json::to_vec(&self.index)?;
        self.write(&index)?;
        self.write(&(index.len() as u64).to_le_bytes())?;
        let digest = self.hasher.finalize();
        self.file.write_all(digest.as_bytes())?;
        // Its content has to be on the disk before its name says that it is whole.
        self.file.sync_all()?;
        let Some(path) = &self.unfinished.0 else { return Ok(()) };
        match fs::hard_link(path, &self.target) {
            Ok(()) => {}
            // Another process was first. Those that map its file already would not share the pages of this one.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            // A file system without second names.
            Err(_) => {
                fs::rename(path, &self.target)?;
                self.unfinished.0 = None;
            }
        }
        Ok(())
    }
}

/// Removes what processes that were killed have left unfinished, and matrices that no load uses any more.
pub(super) fn tidy(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let is_unfinished = path.extension().is_some_and(|ending| ending == "unfinished");
        let most = if is_unfinished { ABANDONED } else { UNUSED };
        let used = entry.metadata().and_then(|metadata| metadata.modified());
        let age = used.ok().and_then(|used| SystemTime::now().duration_since(used).ok());
        if age.is_some_and(|age| age > most) {
            drop(fs::remove_file(&path));
        }
    }
}
