//! Random edits of files in a folder: written, renamed, deleted, broken by a byte that no text has or that is of another
//! encoding, and mended. Nothing that a person gave a section is lost while the section lives, and none of it is found on
//! another one, also when two runs meet, or one is killed.
#![cfg(feature = "files")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::marks::{Counts, Marks};
use crate::twin::{Page, STRAY, Twin};
use rekall::files::file_uri;
use rekall::storage::{SystemWallClock, WallClock};
use rekall::{Rekall, SyncReport};

const SCRIPTS: u64 = 1_000;
const ROUNDS: usize = 2;

/// A page as a file, and the lines of its headings.
fn written(page: &Page) -> (Vec<u8>, Vec<u32>) {
    let mut bytes = Vec::new();
    let mut lines = Vec::new();
    if let Some(tag) = &page.tag {
        bytes.extend(format!("---\ntags: [{tag}]\n---\n").into_bytes());
    }
    if let Some(title) = &page.title {
        bytes.extend(format!("# {title}\n\n").into_bytes());
    }
    let mark = if page.title.is_some() { "##" } else { "#" };
    for section in &page.sections {
        lines.push(1 + bytes.iter().filter(|&&byte| byte == b'\n').count() as u32);
        bytes.extend(format!("{mark} {}\n", section.heading).into_bytes());
        for (number, word) in section.words.iter().enumerate() {
            bytes.extend(if number > 0 { &b" "[..] } else { b"" });
            bytes.extend(if word == STRAY { &[0xE9] } else { word.as_bytes() });
        }
        bytes.extend(b"\n\n");
    }
    if page.is_broken {
        bytes.push(0);
    }
    (bytes, lines)
}

/// Line and tags of a section.
fn found(page: &Page, at: usize) -> (u32, Vec<String>) {
    (written(page).1[at], page.tag.iter().cloned().collect())
}

/// A twin's pages as files.
struct Folder {
    root: PathBuf,
    files: BTreeMap<String, (u32, Vec<u8>)>,
}

impl Folder {
    fn new(root: &Path) -> Self {
        fs::create_dir(root).unwrap();
        Self { root: root.canonicalize().unwrap(), files: BTreeMap::new() }
    }

    fn uri(&self) -> String {
        format!("{}/", file_uri(&self.root))
    }

    /// Brings the files in step with the pages, as a person would: what has another name is renamed.
    fn write(&mut self, twin: &Twin) {
        let mut before = std::mem::take(&mut self.files);
        let mut names: BTreeMap<u32, String> =
            before.iter().map(|(name, (number, _))| (*number, name.clone())).collect();
        for (name, page) in &twin.pages {
            let path = self.root.join(name);
            let (bytes, _) = written(page);
            let old = names.remove(&page.number).and_then(|old| before.remove_entry(&old));
            let is_same = old.is_some_and(|(old_name, (_, old))| {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                if old_name != *name {
                    fs::rename(self.root.join(old_name), &path).unwrap();
                }
                old == bytes
            });
            if !is_same {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(&path, &bytes).unwrap();
            }
            self.files.insert(name.clone(), (page.number, bytes));
        }
        before.keys().for_each(|name| fs::remove_file(self.root.join(name)).unwrap());
    }

    /// A run; every file that is broken is named.
    fn sync(&self, rekall: &Rekall, twin: &Twin, what: &str) -> SyncReport {
        let mut report = rekall.sync_folder(&self.root).run().unwrap();
        for (name, _) in twin.pages.iter().filter(|(_, page)| page.is_broken) {
            let uri = file_uri(&self.root.join(name));
            assert!(report.skipped.iter().any(|skipped| skipped.uri == uri), "{what}: {name} in {report:?}");
        }
        // Many at once ask; here the answer is yes.
        if report.held_back > 0 && twin.is_whole() {
            report = rekall.sync_folder(&self.root).prune(true).run().unwrap();
        }
        report
    }
}

fn open(path: &Path) -> Rekall {
    Rekall::builder(path).without_model().open().unwrap()
}

fn script(seed: u64, base: &Path) -> Counts {
    let mut counts = Counts::default();
    let here = base.join(seed.to_string());
    fs::create_dir(&here).unwrap();
    let path = here.join("a.db");
    let rekall = open(&path);
    let mut twin = Twin::new(seed, 4, 5);
    // The heading of a file without sections is one.
    twin.keeps_one = true;
    let mut folder = Folder::new(&here.join("notes"));
    let mut marks = Marks::new(&rekall, folder.uri());
    folder.write(&twin);
    folder.sync(&rekall, &twin, "new");
    marks.compare(&mut twin, found, &mut counts, &format!("script {seed}, new"));
    for round in 0..ROUNDS {
        let count = 1 + twin.random.below(7);
        let edits: Vec<&str> = (0..count).map(|_| twin.edit()).collect();
        edits.iter().for_each(|edit| *counts.edits.entry(edit).or_default() += 1);
        let what = format!("script {seed}, round {round}, {edits:?}");
        twin.doubt();
        folder.write(&twin);
        if twin.random.one_in(8) {
            *counts.edits.entry("two runs at once").or_default() += 1;
            let other = open(&path);
            std::thread::scope(|scope| {
                let first = scope.spawn(|| folder.sync(&rekall, &twin, &what));
                folder.sync(&other, &twin, &what);
                first.join().unwrap();
            });
        } else {
            folder.sync(&rekall, &twin, &what);
        }
        marks.compare(&mut twin, found, &mut counts, &what);
        // Nothing is left to do.
        let again = folder.sync(&rekall, &twin, &what);
        assert_eq!((again.added, again.changed, again.moved, again.gone), (0, 0, 0, 0), "{what}: {again:?}");
        twin.settle();
        twin.mend(2);
    }
    if seed.is_multiple_of(50) {
        let report = rekall.check().run().unwrap();
        assert!(report.is_clean(), "{report:#?}");
    }
    drop(rekall);
    fs::remove_dir_all(here).unwrap();
    counts
}

#[test]
fn no_work_on_a_section_of_a_file_is_lost_or_mixed_up() {
    let base = tempfile::tempdir().unwrap();
    let counts = Counts::of_scripts(SCRIPTS, |seed| script(seed, base.path()));
    assert!(counts.looked_at > 15_000 && counts.unfollowed > 100, "{counts:?}");
    assert_eq!((counts.lost, counts.wrong, counts.left), (0, 0, 0), "{counts:#?}");
}

const FILE: &str = "REKALL_SYNCED_FILE";
const FOLDER: &str = "REKALL_SYNCED_FOLDER";

/// Runs in a child only.
#[test]
fn child_synchronizes() {
    let (Ok(file), Ok(folder)) = (std::env::var(FILE), std::env::var(FOLDER)) else { return };
    let rekall = open(Path::new(&file));
    println!("\n> begin");
    rekall.sync_folder(folder).run().unwrap();
    println!("\n> end");
}

fn child(file: &Path, folder: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["edit_folders::child_synchronizes", "--exact", "--nocapture", "--test-threads=1"]);
    command.env(FILE, file).env(FOLDER, folder);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    command.spawn().unwrap()
}

/// The next run comes two hours after the one that was killed, which no other can be waiting for any more.
#[derive(Debug)]
struct Later;

impl WallClock for Later {
    fn now_ms(&self) -> i64 {
        SystemWallClock.now_ms() + 7_200_000
    }
}

/// Large enough for several transactions a run.
#[test]
fn a_run_that_is_killed_loses_nothing() {
    let mut counts = Counts::default();
    let (mut before, mut after) = (0, 0);
    for seed in [77, 78, 79, 80] {
        let base = tempfile::tempdir().unwrap();
        let path = base.path().join("killed.db");
        let rekall = Rekall::builder(&path).without_model().wall_clock(Later).open().unwrap();
        let mut twin = Twin::new(seed, 60, 14);
        twin.keeps_one = true;
        let mut folder = Folder::new(&base.path().join("notes"));
        let mut marks = Marks::new(&rekall, folder.uri());
        folder.write(&twin);
        folder.sync(&rekall, &twin, "new");
        marks.compare(&mut twin, found, &mut counts, "new");
        for round in 0..8 {
            for _ in 0..if round % 2 == 0 { 40 } else { 300 } {
                *counts.edits.entry(twin.edit()).or_default() += 1;
            }
            let what = format!("seed {seed}, round {round}");
            twin.doubt();
            folder.write(&twin);
            let mut killed = child(&path, &folder.root);
            let mut said = BufReader::new(killed.stdout.take().unwrap()).lines().map_while(Result::ok);
            assert!(said.any(|line| line == "> begin"));
            let end = Instant::now() + Duration::from_micros(twin.random.below(200_000) as u64);
            while Instant::now() < end {
                std::hint::spin_loop();
            }
            killed.kill().unwrap();
            killed.wait().unwrap();
            match said.any(|line| line == "> end") {
                true => after += 1,
                false => before += 1,
            }
            folder.sync(&rekall, &twin, &what);
            marks.compare(&mut twin, found, &mut counts, &what);
            twin.settle();
            // With all files there, nothing is left of what is gone.
            twin.mend(1);
            folder.write(&twin);
            folder.sync(&rekall, &twin, &what);
            marks.compare(&mut twin, found, &mut counts, &format!("{what}, mended"));
            twin.settle();
        }
        let report = rekall.check().run().unwrap();
        assert!(report.is_clean(), "{report:#?}");
    }
    println!("{before} killed before the end, {after} after it: {counts:#?}");
    assert!(before > 0, "the moments are badly chosen");
    assert_eq!((counts.lost, counts.wrong, counts.left), (0, 0, 0), "{counts:#?}");
}
