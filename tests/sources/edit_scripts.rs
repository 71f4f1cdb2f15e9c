//! Random edits of sources: no tag, link or metadata that a person gave a section is lost while the section lives, and none
//! is found on another section. `edit_folders.rs` does the same to files.

use std::path::Path;

use crate::marks::{Counts, Marks};
use crate::twin::{Page, Twin};
use rekall::{NewSection, NewSource, Rekall, SyncReport};

const SCRIPTS: u64 = 1_000;
const ROUNDS: usize = 3;
const SCOPE: &str = "file:///notes";

fn open(path: &Path) -> Rekall {
    Rekall::builder(path).without_model().open().unwrap()
}

/// Line and tags of a section.
fn found(page: &Page, at: usize) -> (u32, Vec<String>) {
    (at as u32 * 3 + 1, page.sections[at].tag.iter().cloned().collect())
}

/// What a reader finds: sources, and those that it cannot read.
fn read(twin: &Twin) -> (Vec<NewSource>, Vec<String>) {
    let mut sources = Vec::new();
    let mut broken = Vec::new();
    for (name, page) in &twin.pages {
        let uri = format!("{SCOPE}/{name}");
        if page.is_broken {
            broken.push(uri);
            continue;
        }
        let mut source = NewSource::new(uri).stamp(page.stamp.to_string());
        for (at, section) in page.sections.iter().enumerate() {
            let (line, tags) = found(page, at);
            let path = page.path(section);
            let new = NewSection::new(path.join(" > "), section.text()).path(path).line(line).tags(tags);
            source = source.section(new);
        }
        sources.push(source);
    }
    (sources, broken)
}

fn sync(rekall: &Rekall, (sources, broken): &(Vec<NewSource>, Vec<String>)) -> SyncReport {
    let once = |prune: bool| {
        let mut sync = rekall.sync_sources(SCOPE).unwrap().prune(prune);
        for source in sources {
            if !sync.is_current(&source.uri, source.stamp.as_deref().unwrap()) {
                sync.add(source.clone()).unwrap();
            }
        }
        broken.iter().for_each(|uri| sync.skip(uri.as_str(), "it cannot be decoded"));
        sync.finish().unwrap()
    };
    let report = once(false);
    // Many at once ask; here the answer is yes.
    if report.held_back > 0 && broken.is_empty() { once(true) } else { report }
}

fn script(seed: u64, folder: &Path) -> Counts {
    let mut counts = Counts::default();
    let path = folder.join(format!("{seed}.db"));
    let rekall = open(&path);
    let mut twin = Twin::new(seed, 4, 5);
    let mut marks = Marks::new(&rekall, format!("{SCOPE}/"));
    sync(&rekall, &read(&twin));
    marks.compare(&mut twin, found, &mut counts, &format!("script {seed}, new"));
    for round in 0..ROUNDS {
        let count = 1 + twin.random.below(7);
        let edits: Vec<&str> = (0..count).map(|_| twin.edit()).collect();
        edits.iter().for_each(|edit| *counts.edits.entry(edit).or_default() += 1);
        let what = format!("script {seed}, round {round}, {edits:?}");
        twin.doubt();
        let now = read(&twin);
        if twin.random.one_in(8) {
            *counts.edits.entry("two runs at once").or_default() += 1;
            let other = open(&path);
            std::thread::scope(|scope| {
                let first = scope.spawn(|| sync(&rekall, &now));
                sync(&other, &now);
                first.join().unwrap();
            });
        } else {
            sync(&rekall, &now);
        }
        marks.compare(&mut twin, found, &mut counts, &what);
        // Nothing is left to do.
        let again = sync(&rekall, &now);
        assert_eq!((again.added, again.changed, again.moved, again.gone), (0, 0, 0, 0), "{what}: {again:?}");
        twin.settle();
        twin.mend(2);
    }
    if seed.is_multiple_of(50) {
        let report = rekall.check().run().unwrap();
        assert!(report.is_clean(), "{report:#?}");
    }
    drop(rekall);
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(folder.join(format!("{seed}.db{suffix}")));
    }
    counts
}

#[test]
fn no_work_on_a_section_is_lost_or_mixed_up() {
    let folder = tempfile::tempdir().unwrap();
    let counts = Counts::of_scripts(SCRIPTS, |seed| script(seed, folder.path()));
    assert!(counts.looked_at > 20_000 && counts.unfollowed > 100, "{counts:?}");
    assert_eq!((counts.lost, counts.wrong, counts.left), (0, 0, 0), "{counts:#?}");
}
