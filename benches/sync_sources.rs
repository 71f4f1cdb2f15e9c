//! What does a folder of 4,000 files cost: the first run, one in which nothing has changed, and one after edits? 3 sections
//! a file, the built-in model.
//!
//! The sources are made in memory, so that reading files is not measured. The first run is compared with remembering the
//! same texts as entries of no source, 256 in a transaction, in turns. Prints a table; the second run must write nothing.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod common;

use std::time::{Duration, Instant};

use rekall::{NewEntry, NewSection, NewSource, Rekall, SyncReport};

const FILES: usize = 4_000;
const SECTIONS: usize = 3;
const SCOPE: &str = "file:///notes";
/// New entries remembered in one transaction.
const AT_ONCE: usize = 256;
/// How often the first run is measured; the shortest counts.
const ROUNDS: usize = 3;

fn main() {
    // `cargo test` builds and runs benches, too, and is not to wait for this one.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let notes = common::entries(FILES * SECTIONS);
    let sources: Vec<NewSource> =
        notes.chunks(SECTIONS).enumerate().map(|(n, notes)| source(n, notes)).collect();
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
        assert_eq!(sync(&rekall, &sources).added, FILES * SECTIONS);
        first = first.min(started.elapsed());
        kept = Some((folder, rekall));
    }
    let (_folder, rekall) = kept.unwrap();
    row("remembered without a source", plain, FILES * SECTIONS);
    row("first run", first, FILES * SECTIONS);

    let before = rekall.change_position().unwrap();
    let started = Instant::now();
    let report = sync(&rekall, &sources);
    row("nothing changed", started.elapsed(), FILES);
    assert_eq!((report.current, report.read), (FILES, 0));
    assert_eq!(rekall.change_position().unwrap(), before, "nothing was written");

    // A word in every hundredth file; every fiftieth under another name.
    let mut edited = sources.clone();
    for (number, source) in edited.iter_mut().enumerate() {
        if number % 100 == 0 {
            source.stamp = Some("edited".to_owned());
            source.sections[1].content.push_str(" And one word more.");
        } else if number % 50 == 1 {
            source.uri.push_str(".renamed.md");
        }
    }
    let started = Instant::now();
    let report = sync(&rekall, &edited);
    row("1 % edited, 2 % renamed", started.elapsed(), FILES);
    assert_eq!((report.changed, report.moved, report.gone), (FILES / 100, FILES / 50 * SECTIONS, 0));

    // All of it lies in another folder now.
    let mut moved = edited;
    moved.iter_mut().for_each(|source| source.uri = source.uri.replace(SCOPE, "file:///notes/moved"));
    let started = Instant::now();
    let report = sync(&rekall, &moved);
    row("all moved to another folder", started.elapsed(), FILES);
    assert_eq!((report.moved, report.gone), (FILES * SECTIONS, 0));
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

fn source(number: usize, notes: &[NewEntry]) -> NewSource {
    let sections = notes.iter().enumerate().map(|(at, note)| {
        let heading = format!("{} {at}", note.title);
        NewSection::new(note.title.as_str(), note.content.as_str())
            .path(["Notes".to_owned(), heading])
            .line(at as u32 * 4 + 1)
            .tags(note.tags.iter().map(String::as_str))
    });
    sections.fold(NewSource::new(format!("{SCOPE}/{number}.md")).stamp("first"), NewSource::section)
}

fn sync(rekall: &Rekall, sources: &[NewSource]) -> SyncReport {
    let mut sync = rekall.sync_sources(SCOPE).unwrap();
    for source in sources {
        if !sync.is_current(&source.uri, source.stamp.as_deref().unwrap()) {
            sync.add(source.clone()).unwrap();
        }
    }
    sync.finish().unwrap()
}
