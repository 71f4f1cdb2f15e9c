//! Notes read from a folder, a file of JSON lines or a memory.

use std::fs;
use std::path::Path;

use rekall::storage::limits;
use rekall::{Filter, Rekall};
use rusqlite::backup::Progress;
use rusqlite::{Connection, MAIN_DB, OpenFlags};
use serde::Deserialize;

use super::sections;
use crate::judged::Failure;

/// Longer files are seldom written by people.
const MAX_BYTES: u64 = 1 << 20;

/// Entries of a memory read at once.
const PAGE: usize = 1_000;

/// What somebody wrote down once.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Note {
    pub(crate) title: String,
    #[serde(default)]
    pub(crate) content: String,
    pub(crate) lang: Option<String>,
}

/// Reads the notes in their order, those of the given language and those that name none; the titles of all are
/// known, and those of a file that has no headings are its name.
pub(crate) fn read(path: &Path, lang: Option<&str>) -> Result<Vec<Note>, Failure> {
    let mut notes = Vec::new();
    if path.is_dir() {
        read_folder(path, &mut notes)?;
    } else if has_extension(path, &["db", "sqlite", "sqlite3"]) {
        read_memory(path, &mut notes)?;
    } else if has_extension(path, &["jsonl", "ndjson"]) {
        read_lines(path, &mut notes)?;
    } else {
        read_text(path, &mut notes)?;
    }
    notes.retain(|note| {
        let wanted = lang.is_none() || note.lang.is_none() || note.lang.as_deref() == lang;
        wanted && !note.title.trim().is_empty()
    });
    if notes.is_empty() {
        return Err(format!("{}: no notes found", path.display()).into());
    }
    Ok(notes)
}

fn has_extension(path: &Path, known: &[&str]) -> bool {
    let extension = path.extension().unwrap_or_default();
    known.iter().any(|known| extension.eq_ignore_ascii_case(known))
}

fn read_folder(folder: &Path, notes: &mut Vec<Note>) -> Result<(), Failure> {
    let failed = |error| format!("cannot read {}: {error}", folder.display());
    let mut entries =
        fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(failed)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (path, kind) = (entry.path(), entry.file_type()?);
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if kind.is_dir() && !hidden {
            read_folder(&path, notes)?;
        } else if kind.is_file() && !hidden && has_extension(&path, &["md", "markdown", "rst", "txt"]) {
            read_text(&path, notes)?;
        }
    }
    Ok(())
}

/// The sections of a text file; one without headings is one note.
fn read_text(path: &Path, notes: &mut Vec<Note>) -> Result<(), Failure> {
    let failed = |error| format!("cannot read {}: {error}", path.display());
    if fs::metadata(path).map_err(failed)?.len() > MAX_BYTES {
        return Ok(());
    }
    let bytes = fs::read(path).map_err(failed)?;
    let Ok(text) = String::from_utf8(bytes) else { return Ok(()) };
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let sections = if has_extension(path, &["md", "markdown"]) {
        sections::markdown(&text)
    } else if has_extension(path, &["rst"]) {
        sections::restructured(&text)
    } else {
        vec![(None, text)]
    };
    for (heading, content) in sections {
        let title =
            heading.filter(|heading| !heading.is_empty()).unwrap_or_else(|| name.clone().into_owned());
        let title = title[..title.floor_char_boundary(limits::TITLE_BYTES)].to_owned();
        let content = content.trim().replace('\0', "");
        if !content.is_empty() {
            notes.push(Note { title, content, lang: None });
        }
    }
    Ok(())
}

fn read_lines(path: &Path, notes: &mut Vec<Note>) -> Result<(), Failure> {
    let text =
        fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    for (number, line) in text.lines().enumerate() {
        match serde_json::from_str(line) {
            _ if line.trim().is_empty() => {}
            Ok(note) => notes.push(note),
            // The header of an export has no title.
            Err(_) if number == 0 => {}
            Err(error) => return Err(format!("{}, line {}: {error}", path.display(), number + 1).into()),
        }
    }
    Ok(())
}

/// The entries of a memory, read from a copy: opening it may bring the copy up to date, and not the file.
fn read_memory(path: &Path, notes: &mut Vec<Note>) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let copy = folder.path().join("knowledge.db");
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?.backup(
        MAIN_DB,
        &copy,
        None::<fn(Progress)>,
    )?;
    let rekall = Rekall::builder(&copy).without_model().open()?;
    let (everything, mut last) = (Filter::new(), None);
    loop {
        let page = rekall.list(&everything, last, PAGE)?;
        let Some(entry) = page.last() else { return Ok(()) };
        last = Some(entry.id);
        let lang = |entry: &rekall::Entry| Some(entry.metadata.get("lang")?.as_str()?.to_owned());
        notes.extend(page.into_iter().map(|entry| Note {
            lang: lang(&entry),
            title: entry.title,
            content: entry.content,
        }));
    }
}
