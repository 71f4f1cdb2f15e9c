//! Which files a folder holds.

use std::collections::HashMap;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};

use ignore::{DirEntry, WalkBuilder};

use crate::{SkipReason, Skipped, Stamp, file_uri};

/// Folders of things that were fetched or built, in a project without `.gitignore`, too.
const BUILT: [&str; 3] = ["node_modules", "__pycache__", "site-packages"];

/// The first bytes of a file `CACHEDIR.TAG`, with which programs mark a folder that they can make again, as
/// cargo does with `target` (<https://bford.info/cachedir/>).
const CACHE_TAG: &[u8] = b"Signature: 8a477f597d28d172789f06886806bc55";

/// What a walk takes in.
#[derive(Debug, Clone, Default)]
pub struct WalkOptions {
    hidden: bool,
    follow_links: bool,
    no_ignore: bool,
}

impl WalkOptions {
    /// The defaults: without hidden files, ignored files and the targets of symbolic links.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether files and folders whose name begins with a dot are taken. Default: no.
    pub fn hidden(mut self, hidden: bool) -> Self {
        self.hidden = hidden;
        self
    }

    /// Whether symbolic links are followed, also to outside of the roots. A target is then taken once, under its
    /// own path. Default: no; links to outside are named as [`SkipReason::SymbolicLink`], and those to inside
    /// need no mention, because their target is found where it is.
    pub fn follow_links(mut self, follow: bool) -> Self {
        self.follow_links = follow;
        self
    }

    /// Whether files are taken that `.gitignore`, `.git/info/exclude` and `.rekallignore` exclude, and the
    /// folders that nobody writes by hand (`node_modules`, `__pycache__`, `site-packages`, and those marked with
    /// a `CACHEDIR.TAG`, as cargo's `target` is). Default: no.
    pub fn ignored(mut self, ignored: bool) -> Self {
        self.no_ignore = ignored;
        self
    }

    #[cfg(feature = "watch")]
    pub(crate) fn takes_hidden(&self) -> bool {
        self.hidden
    }
}

/// A file that was found.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct FileRef {
    /// The absolute path without symbolic links: the same from wherever a walk began.
    pub path: PathBuf,
    /// The path as a URI; see [`file_uri`].
    pub uri: String,
    /// What the file was like when it was found.
    pub stamp: Stamp,
}

/// Everything below the roots of a walk.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Walked {
    /// The roots, absolute and without symbolic links, in the order given.
    pub roots: Vec<PathBuf>,
    /// The files in order of their paths, each once, also where roots overlap.
    pub files: Vec<FileRef>,
    /// What cannot be read, and what is no file. Files that rules exclude are not named.
    pub skipped: Vec<Skipped>,
    /// Lines of ignore files that are no patterns, and which have no effect.
    pub bad_patterns: Vec<String>,
}

/// A root that cannot be walked. Nothing was walked then: a missing root is not an empty one.
#[derive(Debug, thiserror::Error)]
#[error("cannot open {}: {source}", path.display())]
pub struct RootError {
    /// The root as it was given.
    pub path: PathBuf,
    /// The system's error.
    pub source: io::Error,
}

/// Finds the files below folders. A root may be a file, which is taken whatever rules say.
///
/// Rules come from `.gitignore` (also of the folders above a root, and without a repository, too),
/// `.git/info/exclude` and `.rekallignore`, which has the syntax of the first and the last word: a line
/// `!drafts/` takes in what `.gitignore` excludes. Settings of the user's account are not read.
///
/// No file is opened. The cost is one `stat` per file, and about 300 bytes of memory.
///
/// # Errors
///
/// [`RootError`] if a root does not exist or cannot be opened.
pub fn walk<P: AsRef<Path>>(roots: &[P], options: &WalkOptions) -> Result<Walked, RootError> {
    let mut walked = Walked::default();
    for given in roots {
        let given = given.as_ref();
        let failed = |source| RootError { path: given.to_owned(), source };
        let root = given.canonicalize().map_err(failed)?;
        if root.is_dir() {
            root.read_dir().map_err(failed)?;
        }
        walked.roots.push(root);
    }
    let mut finder = Finder { options, roots: &walked.roots, found: HashMap::new(), skipped: HashMap::new() };
    for root in &walked.roots {
        walked.bad_patterns.extend(finder.walk(root));
    }
    finder.name_once();
    let (found, skipped) = (finder.found, finder.skipped);
    walked.files = found.into_values().map(|(file, _)| file).collect();
    walked.files.sort_by(|one, other| one.path.cmp(&other.path));
    walked.skipped = skipped.into_iter().map(|(path, reason)| Skipped::new(path, reason)).collect();
    walked.skipped.sort_by(|one, other| one.path.cmp(&other.path));
    walked.bad_patterns.sort();
    walked.bad_patterns.dedup();
    Ok(walked)
}

/// A file's device and number there, if the file has more than one name.
type Shared = Option<(u64, u64)>;

struct Finder<'w> {
    options: &'w WalkOptions,
    roots: &'w [PathBuf],
    found: HashMap<PathBuf, (FileRef, Shared)>,
    skipped: HashMap<PathBuf, SkipReason>,
}

impl Finder<'_> {
    /// Takes in what is below a root; returns the patterns that are none.
    fn walk(&mut self, root: &Path) -> Vec<String> {
        let mut bad_patterns = Vec::new();
        for entry in self.builder(root).build() {
            match entry {
                Ok(entry) => {
                    bad_patterns.extend(entry.error().map(ToString::to_string));
                    self.entry(&entry, root);
                }
                Err(error) => self.failed(root, error),
            }
        }
        bad_patterns
    }

    fn builder(&self, root: &Path) -> WalkBuilder {
        let mut builder = WalkBuilder::new(root);
        let rules = !self.options.no_ignore;
        builder
            .standard_filters(false)
            .hidden(!self.options.hidden)
            .follow_links(self.options.follow_links)
            .git_ignore(rules)
            .git_exclude(rules)
            .require_git(false)
            .parents(rules && rules_above_apply(root));
        if rules {
            builder.add_custom_ignore_filename(".rekallignore");
            builder.filter_entry(|entry| entry.depth() == 0 || !is_built(entry));
        }
        builder
    }

    fn entry(&mut self, entry: &DirEntry, root: &Path) {
        let path = entry.path();
        let Some(kind) = entry.file_type() else { return };
        if kind.is_dir() {
        } else if kind.is_symlink() {
            self.link(path);
        } else if !kind.is_file() {
            self.skip(path, SkipReason::NotAFile);
        } else {
            match entry.metadata().map_err(|error| io_error(error, root).1) {
                Ok(metadata) if self.options.follow_links => match path.canonicalize() {
                    Ok(target) => self.file(target, &metadata),
                    Err(error) => self.skip(path, SkipReason::Unreadable(error)),
                },
                Ok(metadata) => self.file(path.to_owned(), &metadata),
                Err(error) => self.skip(path, SkipReason::Unreadable(error)),
            }
        }
    }

    /// A link that is not followed.
    fn link(&mut self, path: &Path) {
        let inside = |target: PathBuf| self.roots.iter().any(|root| target.starts_with(root));
        if !path.canonicalize().is_ok_and(inside) {
            self.skip(path, SkipReason::SymbolicLink);
        }
    }

    fn file(&mut self, path: PathBuf, metadata: &Metadata) {
        let file = FileRef { uri: file_uri(&path), stamp: Stamp::of(metadata), path: path.clone() };
        self.found.insert(path, (file, shared(metadata)));
    }

    fn skip(&mut self, path: &Path, reason: SkipReason) {
        self.skipped.insert(path.to_owned(), reason);
    }

    fn failed(&mut self, root: &Path, error: ignore::Error) {
        if let Some(path) = looping(&error) {
            let path = path.to_owned();
            return self.skip(&path, SkipReason::LinkLoop);
        }
        let (path, error) = io_error(error, root);
        // A link to nothing, where links are followed.
        let reason = if path.is_symlink() { SkipReason::SymbolicLink } else { SkipReason::Unreadable(error) };
        self.skip(&path, reason);
    }

    /// Leaves each file under the first of its names.
    fn name_once(&mut self) {
        let mut names: Vec<(PathBuf, (u64, u64))> =
            self.found.iter().filter_map(|(path, (_, shared))| Some((path.clone(), (*shared)?))).collect();
        names.sort();
        let mut first: HashMap<(u64, u64), PathBuf> = HashMap::new();
        for (path, file) in names {
            if let Some(first) = first.get(&file) {
                self.found.remove(&path);
                self.skip(&path, SkipReason::SameFile { first: first.clone() });
            } else {
                first.insert(file, path);
            }
        }
    }
}

/// Whether the rules of the folders above a root hold below it: in a repository, up to its top, unless they
/// exclude the root itself, which was asked for by name.
fn rules_above_apply(root: &Path) -> bool {
    let is_top = |folder: &Path| folder.join(".git").exists();
    if is_top(root) {
        return false;
    }
    let above = root.ancestors().skip(1);
    let Some(top) = above.clone().find(|folder| is_top(folder)) else { return false };
    for folder in above.take_while(|folder| folder.starts_with(top)) {
        for name in [".rekallignore", ".gitignore"] {
            // What is wrong in it is reported by the walk, if it applies.
            let (rules, _) = ignore::gitignore::Gitignore::new(folder.join(name));
            let matched = rules.matched_path_or_any_parents(root, root.is_dir());
            if !matched.is_none() {
                return matched.is_whitelist();
            }
        }
    }
    true
}

fn is_built(entry: &DirEntry) -> bool {
    let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
    is_folder && (BUILT.iter().any(|name| entry.file_name() == *name) || has_cache_tag(entry.path()))
}

fn has_cache_tag(folder: &Path) -> bool {
    let tag = folder.join("CACHEDIR.TAG");
    let mut head = [0; CACHE_TAG.len()];
    tag.is_file()
        && std::fs::File::open(tag).and_then(|mut file| io::Read::read_exact(&mut file, &mut head)).is_ok()
        && head == CACHE_TAG
}

/// The link with which a circle closes.
fn looping(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::Loop { child, .. } => Some(child),
        ignore::Error::WithDepth { err, .. }
        | ignore::Error::WithPath { err, .. }
        | ignore::Error::WithLineNumber { err, .. } => looping(err),
        _ => None,
    }
}

/// What cannot be read, and the system's error.
fn io_error(error: ignore::Error, root: &Path) -> (PathBuf, io::Error) {
    let mut path = None;
    let mut inner = &error;
    while let ignore::Error::WithDepth { err, .. }
    | ignore::Error::WithPath { err, .. }
    | ignore::Error::WithLineNumber { err, .. } = inner
    {
        if let ignore::Error::WithPath { path: named, .. } = inner {
            path = Some(named.clone());
        }
        inner = err;
    }
    let message = error.to_string();
    let io_error = error.into_io_error().unwrap_or_else(|| io::Error::other(message));
    (path.unwrap_or_else(|| root.to_owned()), io_error)
}

#[cfg(unix)]
fn shared(metadata: &Metadata) -> Shared {
    use std::os::unix::fs::MetadataExt;
    (metadata.nlink() > 1).then(|| (metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn shared(_: &Metadata) -> Shared {
    None
}
