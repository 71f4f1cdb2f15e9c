//! Taking up files: one note per Markdown section or file, and only what changed since the last run.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use rekall::storage::{TextDigest, limits};
use rekall::{EntryId, EntryPatch, Filter, NewEntry, Rekall};
use serde_json::{Map, Value, json};

use super::tree::{SourceFile, Tree};
use crate::args::{Cli, IndexArgs};
use crate::failure::Failure;
use crate::markdown;
use crate::progress::Progress;
use crate::report::{Report, ms};
use crate::session::{Purpose, Session};
use crate::style::{Style, counted};

/// New notes remembered in one transaction.
const BATCH: usize = 256;

pub(crate) fn index(cli: &Cli, args: &IndexArgs, style: Style) -> Result<Report, Failure> {
    let started = Instant::now();
    let tree = Tree::walk(&args.paths)?;
    let session = Session::open(cli, Purpose::Write)?;
    let mut sync = Sync {
        known: Known::read(&session.rekall)?,
        rekall: &session.rekall,
        new: Vec::new(),
        failed: Vec::new(),
        counts: Counts::default(),
    };
    let progress = Progress::new("indexing", tree.files.len());
    for (number, file) in tree.files.iter().enumerate() {
        sync.file(file, args.project.as_deref())?;
        progress.set(number + 1);
    }
    sync.remember()?;
    drop(progress);
    sync.failed.extend(tree.failed);
    sync.forget_vanished(&tree.roots)?;
    Ok(report(&sync, started, style).notes(session.notes()))
}

fn report(sync: &Sync<'_>, started: Instant, style: Style) -> Report {
    let Counts { added, updated, unchanged, removed, files, skipped } = sync.counts;
    let elapsed = started.elapsed();
    let failed = |(path, error): &(PathBuf, io::Error)| json!({ "path": path, "reason": error.to_string() });
    let json = json!({
        "added": added, "updated": updated, "unchanged": unchanged, "removed": removed,
        "files": files, "skipped": skipped, "failed": sync.failed.iter().map(failed).collect::<Vec<_>>(),
        "elapsed_ms": ms(elapsed),
    });
    let text = format!(
        "{}: {added} added, {updated} updated, {unchanged} unchanged, {removed} removed\n{}",
        counted(files, "file"),
        style.dim(format!(
            "{} skipped (binary, blank or over 1 MiB), {:.2} s",
            counted(skipped, "file"),
            elapsed.as_secs_f64()
        ))
    );
    let notes = sync.failed.iter().map(|(path, error)| format!("cannot read {}: {error}", path.display()));
    Report::new(json, text).notes(notes)
}

#[derive(Clone, Copy, Default)]
struct Counts {
    added: usize,
    updated: usize,
    unchanged: usize,
    removed: usize,
    files: usize,
    skipped: usize,
}

/// Notes that earlier runs made.
struct Known {
    notes: Vec<KnownNote>,
    /// By file and section.
    places: HashMap<(String, String), usize>,
}

struct KnownNote {
    id: EntryId,
    path: String,
    metadata: Map<String, Value>,
    seen: bool,
}

impl Known {
    /// Walks through all entries once. Which of them came from a file stands in their metadata.
    fn read(rekall: &Rekall) -> Result<Self, Failure> {
        let mut known = Self { notes: Vec::new(), places: HashMap::new() };
        let (everything, mut last) = (Filter::new().any_status(), None);
        loop {
            let page = rekall.list(&everything, last, 1_000)?;
            let Some(entry) = page.last() else { return Ok(known) };
            last = Some(entry.id);
            for entry in page {
                let source = &entry.metadata.get("source");
                let part = |key| source.and_then(|source| source.get(key)?.as_str()).map(str::to_owned);
                let (Some(path), Some(section)) = (part("path"), part("section")) else { continue };
                known.places.insert((path.clone(), section), known.notes.len());
                known.notes.push(KnownNote { id: entry.id, path, metadata: entry.metadata, seen: false });
            }
        }
    }
}

/// One run: brings the notes in step with the files.
struct Sync<'a> {
    rekall: &'a Rekall,
    known: Known,
    new: Vec<NewEntry>,
    failed: Vec<(PathBuf, io::Error)>,
    counts: Counts,
}

impl Sync<'_> {
    fn file(&mut self, file: &SourceFile, project: Option<&str>) -> Result<(), Failure> {
        match file.text() {
            Ok(Some(text)) => {
                self.counts.files += 1;
                for note in notes(file, &text, project) {
                    self.note(note)?;
                }
                if self.new.len() >= BATCH {
                    self.remember()?;
                }
            }
            Ok(None) => self.counts.skipped += 1,
            Err(error) => self.failed.push((file.path.clone(), error)),
        }
        Ok(())
    }

    fn note(&mut self, note: Note) -> Result<(), Failure> {
        let Some(&at) = self.known.places.get(&(note.path.clone(), note.section.clone())) else {
            self.new.push(note.into_entry());
            return Ok(());
        };
        let known = &mut self.known.notes[at];
        known.seen = true;
        if known.metadata.get("source") == Some(&note.source()) {
            self.counts.unchanged += 1;
            return Ok(());
        }
        let mut metadata = known.metadata.clone();
        metadata.insert("source".to_owned(), note.source());
        let patch = EntryPatch::new()
            .title(note.title)
            .content(note.content)
            .project(note.project)
            .metadata(metadata);
        self.rekall.update(known.id, &patch)?;
        self.counts.updated += 1;
        Ok(())
    }

    fn remember(&mut self) -> Result<(), Failure> {
        if !self.new.is_empty() {
            self.rekall.remember_many(&self.new).run()?;
            self.counts.added += self.new.len();
            self.new.clear();
        }
        Ok(())
    }

    /// Forgets notes whose section or file is gone. Files that could not be read are not gone.
    fn forget_vanished(&mut self, roots: &[PathBuf]) -> Result<(), Failure> {
        for note in &self.known.notes {
            let path = Path::new(&note.path);
            let asked = roots.iter().any(|root| path.starts_with(root));
            let unread = self.failed.iter().any(|(failed, _)| path.starts_with(failed));
            if asked && !unread && !note.seen {
                self.rekall.forget(note.id)?;
                self.counts.removed += 1;
            }
        }
        Ok(())
    }
}

/// A note as a file has it now.
struct Note {
    path: String,
    section: String,
    title: String,
    content: String,
    project: Option<String>,
}

impl Note {
    /// Says where the note came from, and by the digest whether it changed there.
    fn source(&self) -> Value {
        let project = self.project.as_deref().unwrap_or_default();
        let digest = TextDigest::of(&format!("{}\n{project}\n{}", self.title, self.content));
        json!({ "path": self.path, "section": self.section, "digest": format!("{digest:?}") })
    }

    fn into_entry(self) -> NewEntry {
        let source = self.source();
        let mut entry = NewEntry::new(self.title)
            .content(self.content)
            .kind("reference")
            .memory_type("semantic")
            .metadata("source", source);
        entry.project = self.project;
        entry
    }
}

fn notes(file: &SourceFile, text: &str, project: Option<&str>) -> Vec<Note> {
    let project = project.map(str::to_owned).or_else(|| file.folder.clone());
    let path = file.path.to_string_lossy().into_owned();
    let note = |section: String, title: &str, content: String| {
        let title = cut(title, limits::TITLE_BYTES).to_owned();
        Note { path: path.clone(), section, title, content, project: project.clone() }
    };
    if !file.is_markdown() {
        return vec![note(String::new(), &file.name, text.to_owned())];
    }
    let mut times: HashMap<String, usize> = HashMap::new();
    let sections = markdown::sections(text).into_iter();
    sections
        .map(|section| {
            let headings = section.headings.iter().filter(|heading| !heading.is_empty());
            let mut place = headings.map(String::as_str).collect::<Vec<_>>().join(" > ");
            let title = if place.is_empty() { file.name.clone() } else { place.clone() };
            // Headings may be repeated, places may not.
            let time = times.entry(place.clone()).or_default();
            *time += 1;
            if *time > 1 {
                place += &format!(" ({time})");
            }
            note(place, &title, section.text)
        })
        .collect()
}

fn cut(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}
