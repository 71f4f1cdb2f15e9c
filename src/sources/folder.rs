//! Folders of files as sources.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rekall_core::limits;
use rekall_files::{
    Document, FileRef, ReadOptions, SkipReason, Skipped, WalkOptions, file_uri, path_of_uri, walk,
};

use super::report::SyncReport;
use super::source::{NewSection, NewSource};
use crate::long_call::Watch;
use crate::{Error, LongCall, Rekall};

/// How [`Rekall::sync_folders`] works.
#[derive(Debug, Clone, Default)]
pub struct FolderOptions {
    project: Option<String>,
    prune: bool,
    walk: WalkOptions,
    read: ReadOptions,
}

impl LongCall<'_, SyncReport, FolderOptions> {
    /// Puts the entries of every file that is read into this project, also those that are known and whose section is as it
    /// was. Files that have not changed are not read: their entries keep the project that they have. Without it, new entries
    /// get the name of the outermost of the folders asked for that their file is in, none if the file itself was
    /// asked for, and the others keep what they have.
    pub fn project(mut self, project: impl Into<String>) -> Self {
        self.options.project = Some(project.into());
        self
    }

    /// See [`SourceSync::prune`](crate::SourceSync::prune).
    pub fn prune(mut self, prune: bool) -> Self {
        self.options.prune = prune;
        self
    }

    /// Which files are taken. Default: those that are neither hidden nor ignored.
    pub fn walk(mut self, options: WalkOptions) -> Self {
        self.options.walk = options;
        self
    }

    /// How they are read. Default: those of up to 1 MiB, of a known kind.
    pub fn read(mut self, options: ReadOptions) -> Self {
        self.options.read = options;
        self
    }
}

impl Rekall {
    /// Brings entries in step with the files in a folder, or with one file: an entry for each section.
    ///
    /// ```
    /// # use rekall::{Filter, Rekall};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// # let notes = folder.path().join("notes");
    /// # std::fs::create_dir(&notes)?;
    /// std::fs::write(notes.join("plan.md"), "# Plan\n\n## Next week\nShip it.\n\n## Later\nRest.\n")?;
    /// assert_eq!(rekall.sync_folder(&notes).run()?.added, 2);
    /// std::fs::rename(notes.join("plan.md"), notes.join("plans.md"))?;
    /// assert_eq!(rekall.sync_folder(&notes).run()?.moved, 2);
    /// assert_eq!(rekall.list(Filter::new(), None, 10)?[0].source.as_ref().and_then(|source| source.line), Some(3));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`sync_folders`](Self::sync_folders).
    pub fn sync_folder(&self, root: impl Into<PathBuf>) -> LongCall<'_, SyncReport, FolderOptions> {
        self.sync_folders([root])
    }

    /// The same for several folders and files in one run: what went from one to another is found there.
    ///
    /// A file that has not changed is not opened. One that cannot be read stands in [`SyncReport::skipped`] with the
    /// reason, and its entries stay as they are; so does a known one in whose place there is a folder now, or a link to
    /// nothing. Only one in whose place there is nothing is gone, or one that rules exclude by now. Progress counts files while they are read, and then, where files were
    /// known before, the sections that are written. Titles are the headings that a section stands under; tags and date
    /// of a file's front matter become the entries', the rest of it metadata of new ones.
    ///
    /// Entries that were made from files before there were sources, by the example program `cli` (their metadata has
    /// `source` with `path` and `section`), become those of their files, except where a file is a source already. They are
    /// looked for when a file is found that is no source yet, which costs about 20 µs for each entry that comes from no
    /// file.
    ///
    /// # Errors
    /// [`Error::Folder`] for a root that is not there or cannot be opened, before anything is done; as
    /// [`SourceSync::finish`](crate::SourceSync::finish).
    pub fn sync_folders<P: Into<PathBuf>>(
        &self,
        roots: impl IntoIterator<Item = P>,
    ) -> LongCall<'_, SyncReport, FolderOptions> {
        let roots: Vec<PathBuf> = roots.into_iter().map(Into::into).collect();
        LongCall::with_options(FolderOptions::default(), move |options, watch| {
            self.sync_found_files(&roots, &options, watch)
        })
    }

    fn sync_found_files(
        &self,
        roots: &[PathBuf],
        options: &FolderOptions,
        watch: &mut Watch<'_>,
    ) -> Result<SyncReport, Error> {
        let walked = walk(roots, &options.walk)
            .map_err(|error| Error::Folder { path: error.path, source: error.source })?;
        self.adopt_indexed(&walked.files, watch)?;
        let mut roots = walked.roots.iter().map(|root| file_uri(root));
        let Some(first) = roots.next() else { return Ok(SyncReport::default()) };
        let mut sync = self.sync_sources(first.as_str())?.prune(options.prune).watched(std::mem::take(watch));
        for root in roots {
            sync = sync.also_under(root)?;
        }
        for pattern in walked.bad_patterns {
            sync.note(first.as_str(), pattern);
        }
        for skipped in walked.skipped {
            match skipped.reason {
                // It is read under its other name, and its entries go there.
                SkipReason::SameFile { .. } => sync.note(skipped.uri(), skipped.reason.to_string()),
                _ => sync.skip(skipped.uri(), skipped.reason.to_string()),
            }
        }
        for (number, file) in walked.files.iter().enumerate() {
            sync.watch().check_cancelled()?;
            if !sync.is_current(&file.uri, &file.stamp.to_string()) {
                match rekall_files::read(&file.path, &options.read) {
                    Ok(document) => {
                        for problem in &document.problems {
                            sync.note(file.uri.as_str(), problem.to_string());
                        }
                        sync.add(source(file, document, &walked.roots, options))?;
                    }
                    Err(Skipped { reason, .. }) => sync.skip(file.uri.as_str(), reason.to_string()),
                }
            }
            sync.watch().report(number + 1, walked.files.len());
        }
        for uri in sync.unseen() {
            if let Some(reason) = path_of_uri(&uri).and_then(|path| obstacle(&path)) {
                sync.skip(uri, reason);
            }
        }
        sync.finish()
    }
}

/// What is at the place of a file that was not found, unless that is nothing, or a file that rules exclude.
fn obstacle(path: &Path) -> Option<String> {
    match path.symlink_metadata() {
        Ok(found) => found.is_dir().then(|| "a folder is in its place".to_owned()),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => None,
        Err(error) => Some(SkipReason::Unreadable(error).to_string()),
    }
}

/// The source that a document is.
fn source(file: &FileRef, document: Document, roots: &[PathBuf], options: &FolderOptions) -> NewSource {
    let stamp = document.stamp.map_or_else(|| file.stamp.to_string(), |stamp| stamp.to_string());
    let mut source = NewSource::new(file.uri.as_str()).stamp(stamp);
    source.project.clone_from(&options.project);
    source.defaults.project = project_of(&file.path, roots);
    source.defaults.metadata = document.metadata;
    if !document.aliases.is_empty() {
        source.defaults.metadata.insert("aliases".to_owned(), document.aliases.into());
    }
    let created_at = document.date_ms.filter(|ms| limits::CREATED_AT_MS.contains(ms));
    for section in document.sections {
        let mut tags = document.tags.clone();
        tags.extend(section.tags.into_iter().filter(|tag| !document.tags.contains(tag)));
        let title = &section.title[..section.title.floor_char_boundary(limits::TITLE_BYTES)];
        let mut new = NewSection::new(title, section.text).path(section.headings).tags(tags);
        new.line = u32::try_from(section.line).ok();
        new.created_at = created_at;
        source = source.section(new);
    }
    source
}

/// The name of the outermost of the folders asked for that the file is in.
fn project_of(file: &Path, roots: &[PathBuf]) -> Option<String> {
    let holding = roots.iter().filter(|root| file != root.as_path() && file.starts_with(root));
    let root = holding.min_by_key(|root| root.as_os_str().len())?;
    let name = root.file_name()?.to_string_lossy();
    let name = name.trim();
    (!name.is_empty() && name.len() <= limits::NAME_BYTES).then(|| name.to_owned())
}
