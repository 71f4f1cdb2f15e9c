//! Which files a folder holds, and what text is in them.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// Larger files are rarely written by people.
const MAX_BYTES: u64 = 1 << 20;

/// Folders of things that were built or fetched.
const BUILT: [&str; 3] = ["target", "node_modules", "__pycache__"];

/// A file to be taken up.
pub(super) struct SourceFile {
    /// Absolute, without links: says which file it is, from wherever the program was started.
    pub(super) path: PathBuf,
    /// Path below the folder that was asked for: says it to people.
    pub(super) name: String,
    /// Name of the folder that was asked for.
    pub(super) folder: Option<String>,
}

/// What was found below the paths that were asked for.
#[derive(Default)]
pub(super) struct Tree {
    /// The paths asked for, absolute.
    pub(super) roots: Vec<PathBuf>,
    /// The files, in order of their names, each once.
    pub(super) files: Vec<SourceFile>,
    /// Folders that could not be read.
    pub(super) failed: Vec<(PathBuf, io::Error)>,
}

impl Tree {
    /// Walks through files and folders. Left out: hidden ones, `target`, `node_modules`, `__pycache__`, and
    /// symbolic links, whose targets are found where they are.
    pub(super) fn walk(paths: &[PathBuf]) -> Result<Self, Failure> {
        let mut tree = Self::default();
        let mut seen = HashSet::new();
        for path in paths {
            let root = path.canonicalize().map_err(|error| Failure::io("open", path, error))?;
            if root.is_dir() {
                tree.folder(&root, &root, &mut seen);
            } else {
                let base = root.parent().unwrap_or(&root).to_owned();
                tree.file(&root, &base, &mut seen);
            }
            tree.roots.push(root);
        }
        Ok(tree)
    }

    fn folder(&mut self, folder: &Path, base: &Path, seen: &mut HashSet<PathBuf>) {
        let entries = fs::read_dir(folder).and_then(|entries| entries.collect::<io::Result<Vec<_>>>());
        let mut entries = match entries {
            Ok(entries) => entries,
            Err(error) => return self.failed.push((folder.to_owned(), error)),
        };
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let name = entry.file_name();
            let path = entry.path();
            match entry.file_type() {
                _ if name.to_string_lossy().starts_with('.') => {}
                Ok(kind) if kind.is_dir() && BUILT.iter().any(|built| name == *built) => {}
                Ok(kind) if kind.is_dir() => self.folder(&path, base, seen),
                Ok(kind) if kind.is_file() => self.file(&path, base, seen),
                Ok(_) => {}
                Err(error) => self.failed.push((path, error)),
            }
        }
    }

    fn file(&mut self, path: &Path, base: &Path, seen: &mut HashSet<PathBuf>) {
        if !seen.insert(path.to_owned()) {
            return;
        }
        let below = path.strip_prefix(base).unwrap_or(path).components();
        let name = below.map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/");
        let folder = base.file_name().map(|name| name.to_string_lossy().into_owned());
        self.files.push(SourceFile { path: path.to_owned(), name, folder });
    }
}

impl SourceFile {
    /// Whether the file is cut into sections.
    pub(super) fn is_markdown(&self) -> bool {
        let extension = self.path.extension().unwrap_or_default();
        ["md", "markdown", "mdown"].iter().any(|known| extension.eq_ignore_ascii_case(known))
    }

    /// The file's text; `None` when it is binary, over 1 MiB or blank.
    pub(super) fn text(&self) -> io::Result<Option<String>> {
        let mut bytes = Vec::new();
        fs::File::open(&self.path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_BYTES || bytes.contains(&0) {
            return Ok(None);
        }
        let text = String::from_utf8(bytes).ok();
        Ok(text.filter(|text| !text.trim().is_empty()))
    }
}
