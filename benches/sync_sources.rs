//! What does a folder of 4,000 Markdown files cost: the first run, one in which nothing has changed, and one after edits? 3
//! sections a file, the built-in model.
//!
//! The files are written to a folder of the system's for temporary files, and read again at once, so they come from the page
//! cache. The first run is compared with remembering the same texts as entries of no source, 256 in a transaction, in turns.
//! Prints a table; the runs in which nothing has changed must write nothing, and none may lose a section.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rekall::{NewEntry, Rekall, SyncReport};

const FILES: usize = 4_000;
const SECTIONS: usize = 3;
/// New entries remembered in one transaction.
const AT_ONCE: usize = 256;
/// How often each run is measured; the shortest counts.
const ROUNDS: usize = 3;

fn main() {
    // `cargo test` builds and runs benches, too, and is not to wait for this one.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let notes = common::entries(FILES * SECTIONS);
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("notes");
    let files: Vec<&[NewEntry]> = notes.chunks(SECTIONS).collect();
    for (number, notes) in files.iter().enumerate() {
        write(&path(&root, number), notes);
    }
    let (mut first, mut plain) = (Duration::MAX, Duration::MAX);
    let mut kept = None;
    for _ in 0..ROUNDS {
        let (_folder, rekall) = memory();
        let started = Instant::now();
        for some in notes.chunks(AT_ONCE) {
            rekall.remember_many(some).run().unwrap();
        }
        plain = plain.min(started.elapsed());
        drop(rekall);
        let (folder, rekall) = memory();
        let started = Instant::now();
        assert_eq!(sync(&rekall, &root).added, FILES * SECTIONS);
        first = first.min(started.elapsed());
        kept = Some((folder, rekall));
    }
    let (_folder, rekall) = kept.unwrap();
    row("remembered without a source", plain, FILES * SECTIONS);
    row("first run", first, FILES * SECTIONS);

    // Files that were written a moment before they were read are read again.
    while sync(&rekall, &root).read > 0 {}
    let version = rekall.store().data_version().unwrap();
    let mut unchanged = Duration::MAX;
    for _ in 0..ROUNDS {
        let started = Instant::now();
        let report = sync(&rekall, &root);
        unchanged = unchanged.min(started.elapsed());
        assert_eq!((report.current, report.read), (FILES, 0));
    }
    row("nothing changed", unchanged, FILES);
    assert_eq!(rekall.store().data_version().unwrap(), version, "nothing was written");

    // A word in every hundredth file; every fiftieth under another name.
    for (number, notes) in files.iter().enumerate() {
        let path = path(&root, number);
        if number % 100 == 0 {
            let mut edited = notes.to_vec();
            edited[1].content.push_str(" And one word more.");
            write(&path, &edited);
        } else if number % 50 == 1 {
            fs::rename(&path, path.with_extension("renamed.md")).unwrap();
        }
    }
    let started = Instant::now();
    let report = sync(&rekall, &root);
    row("1 % edited, 2 % renamed", started.elapsed(), FILES);
    assert_eq!((report.changed, report.moved, report.gone), (FILES / 100, FILES / 50 * SECTIONS, 0));

    // All of it lies in another folder now.
    let moved = folder.path().join("moved");
    fs::rename(&root, &moved).unwrap();
    fs::create_dir(&root).unwrap();
    fs::rename(&moved, root.join("moved")).unwrap();
    let started = Instant::now();
    let report = sync(&rekall, &root);
    row("all moved to another folder", started.elapsed(), FILES);
    assert_eq!((report.moved, report.added, report.gone), (FILES * SECTIONS, 0, 0));
}

fn row(what: &str, took: Duration, of: usize) {
    println!(
        "{what:30} {:>9.3} s {:>9.1} µs each of {of}",
        took.as_secs_f64(),
        took.as_secs_f64() * 1e6 / of as f64
    );
}

fn memory() -> (tempfile::TempDir, Rekall) {
    let folder = tempfile::tempdir().unwrap();
    let rekall = Rekall::builder(folder.path().join("knowledge.db")).open().unwrap();
    rekall.recall("loads the model").run().unwrap();
    (folder, rekall)
}

/// 40 files to a folder.
fn path(root: &Path, number: usize) -> PathBuf {
    root.join(format!("{:02}/{number:04}.md", number / 40))
}

fn write(path: &Path, notes: &[NewEntry]) {
    let mut text = String::from("# Notes\n");
    for (at, note) in notes.iter().enumerate() {
        text.push_str(&format!("\n## {} {at}\n\n{}\n", note.title, note.content));
    }
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn sync(rekall: &Rekall, root: &Path) -> SyncReport {
    rekall.sync_folder(root).run().unwrap()
}
