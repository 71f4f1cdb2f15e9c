//! Random edits of files: no tag, link or metadata that a person gave a section is lost while the section lives, and none
//! is found on another section. A naive twin knows which section is which, because it made the edits.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rekall::storage::{SystemWallClock, WallClock};
use rekall::{
    Batch, Entry, EntryId, EntryPatch, Filter, NewEntry, NewSection, NewSource, Rekall, SyncReport,
};

const SCRIPTS: u64 = 1_000;
const ROUNDS: usize = 3;
const SCOPE: &str = "file:///notes";

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn word(&mut self) -> String {
        let mut number = self.below(4_000);
        let mut word = String::new();
        for _ in 0..3 {
            word.push_str(
                [
                    "ba", "di", "ko", "lu", "me", "na", "po", "ri", "so", "tu", "va", "we", "xi", "zo", "fy",
                    "gu",
                ][number % 16],
            );
            number /= 16;
        }
        word
    }

    fn words(&mut self, count: usize) -> Vec<String> {
        (0..count).map(|_| self.word()).collect()
    }
}

/// A section as its author sees it.
#[derive(Clone)]
struct Section {
    /// Which it is, whatever it says.
    name: u32,
    heading: String,
    words: Vec<String>,
    tag: Option<String>,
    /// Edited since the last run: an author changes one thing at a time.
    is_edited: bool,
    is_moved: bool,
}

#[derive(Clone)]
struct Page {
    title: String,
    sections: Vec<Section>,
    /// Cannot be read, in this round.
    is_broken: bool,
    /// Whether a section was deleted, or inserted, in this round.
    has_lost: bool,
    has_gained: bool,
    stamp: u32,
}

/// A folder of files, and what people have given their sections.
struct Twin {
    pages: BTreeMap<String, Page>,
    names: u32,
    stamps: u32,
    /// The newest stamp of the last round.
    settled: u32,
    random: Random,
}

impl Twin {
    fn new(seed: u64, pages: usize, sections: usize) -> Self {
        let mut twin = Self { pages: BTreeMap::new(), names: 0, stamps: 0, settled: 0, random: Random(seed) };
        for _ in 0..pages {
            let uri = twin.uri();
            let title = twin.random.words(2).join(" ");
            let mut page = Page {
                title,
                sections: Vec::new(),
                is_broken: false,
                has_lost: false,
                has_gained: false,
                stamp: 0,
            };
            for _ in 0..1 + twin.random.below(sections) {
                page.sections.push(twin.section());
            }
            twin.pages.insert(uri, page);
        }
        twin
    }

    fn uri(&mut self) -> String {
        self.stamps += 1;
        let folder = ["", "/sub", "/sub/deep"][self.random.below(3)];
        format!("{SCOPE}{folder}/{}-{}.md", self.random.word(), self.stamps)
    }

    fn section(&mut self) -> Section {
        self.names += 1;
        // Headings that several sections of a file have are the rule, not the exception.
        let heading = match self.random.below(3) {
            0 => "TODO".to_owned(),
            1 => "Usage".to_owned(),
            _ => self.random.words(2).join(" "),
        };
        let count = 14 + self.random.below(20);
        let mut words = self.random.words(count);
        if self.random.one_in(4) {
            // A template that others have, too.
            words.splice(0..0, "attendees none and the agenda of this day was".split(' ').map(str::to_owned));
        }
        let tag = self.random.one_in(3).then(|| format!("file-{}", self.random.below(3)));
        Section { name: self.names, heading, words, tag, is_edited: false, is_moved: false }
    }

    fn some_page(&mut self) -> Option<String> {
        let readable: Vec<&String> =
            self.pages.iter().filter(|(_, page)| !page.is_broken).map(|(uri, _)| uri).collect();
        (!readable.is_empty()).then(|| readable[self.random.below(readable.len())].clone())
    }

    fn some_section(&mut self) -> Option<(String, usize)> {
        let uri = self.some_page()?;
        let count = self.pages[&uri].sections.len();
        (count > 0).then(|| (uri, self.random.below(count)))
    }

    /// Changes something; gives what.
    fn edit(&mut self) -> &'static str {
        const NOTHING: &str = "nothing";
        match self.random.below(12) {
            0 => {
                let Some(uri) = self.some_page() else { return NOTHING };
                let mut section = self.section();
                if self.pages[&uri].has_lost {
                    // Another section under the only heading of its kind cannot be told from a rewritten one.
                    section.heading = self.random.words(3).join(" ");
                }
                let at = self.random.below(self.pages[&uri].sections.len() + 1);
                let page = self.touch(&uri);
                page.sections.insert(at, section);
                page.has_gained = true;
                "insert"
            }
            1 => {
                let Some((uri, at)) = self.some_section() else { return NOTHING };
                let page = self.touch(&uri);
                if page.has_gained || page.sections[at].is_moved {
                    return NOTHING;
                }
                page.sections.remove(at);
                page.has_lost = true;
                "delete"
            }
            2 => {
                let Some((uri, at)) = self.some_section() else { return NOTHING };
                let to = self.random.below(self.pages[&uri].sections.len());
                let page = self.touch(&uri);
                let section = page.sections.remove(at);
                page.sections.insert(to, section);
                "move within a file"
            }
            3 => {
                let (Some((from, at)), Some(to)) = (self.some_section(), self.some_page()) else {
                    return NOTHING;
                };
                if self.pages[&to].has_lost {
                    return NOTHING;
                }
                let mut section = self.touch(&from).sections.remove(at);
                section.is_moved = true;
                let place = self.random.below(self.pages[&to].sections.len() + 1);
                let page = self.touch(&to);
                page.sections.insert(place, section);
                page.has_gained = true;
                "move to another file"
            }
            4 => {
                let Some(from) = self.some_page() else { return NOTHING };
                let to = self.uri();
                let mut page = self.pages.remove(&from).unwrap();
                self.stamps += 1;
                page.stamp = self.stamps;
                self.pages.insert(to, page);
                "rename a file"
            }
            5 => {
                let Some(uri) = self.some_page() else { return NOTHING };
                let count = self.pages[&uri].sections.len().max(1);
                let turn = self.random.below(count);
                let page = self.touch(&uri);
                let turn = turn.min(page.sections.len());
                page.sections.rotate_left(turn);
                page.sections.reverse();
                "reorder"
            }
            6 => {
                let Some((uri, at)) = self.some_section() else { return NOTHING };
                let heading = self.random.words(2).join(" ");
                let section = &mut self.touch(&uri).sections[at];
                if std::mem::replace(&mut section.is_edited, true) {
                    return NOTHING;
                }
                section.heading = heading;
                "retitle"
            }
            7 | 8 => {
                let Some((uri, at)) = self.some_section() else { return NOTHING };
                let word = self.random.word();
                let place = self.random.below(self.pages[&uri].sections[at].words.len());
                let section = &mut self.touch(&uri).sections[at];
                if std::mem::replace(&mut section.is_edited, true) {
                    return NOTHING;
                }
                section.words[place] = word.clone();
                section.words.push(word);
                "edit"
            }
            9 => {
                let Some(uri) = self.some_page() else { return NOTHING };
                let title = self.random.words(2).join(" ");
                self.touch(&uri).title = title;
                "retitle a file"
            }
            10 => {
                let Some((uri, at)) = self.some_section() else { return NOTHING };
                let tag = self.random.one_in(2).then(|| format!("file-{}", self.random.below(3)));
                self.touch(&uri).sections[at].tag = tag;
                "tag in the file"
            }
            _ => {
                let Some(uri) = self.some_page() else { return NOTHING };
                // Nobody can know what went out of a file that cannot be read, nor which one it was before.
                if self.pages[&uri].stamp > self.settled {
                    return NOTHING;
                }
                self.touch(&uri).is_broken = true;
                "break the encoding"
            }
        }
    }

    fn touch(&mut self, uri: &str) -> &mut Page {
        self.stamps += 1;
        let page = self.pages.get_mut(uri).unwrap();
        page.stamp = self.stamps;
        page
    }

    /// What a reader of the folder finds: sources, and those that it cannot read.
    fn read(&self) -> (Vec<NewSource>, Vec<String>) {
        let mut sources = Vec::new();
        let mut broken = Vec::new();
        for (uri, page) in &self.pages {
            if page.is_broken {
                broken.push(uri.clone());
                continue;
            }
            let mut source = NewSource::new(uri.as_str()).stamp(format!("{}", page.stamp));
            for (number, section) in page.sections.iter().enumerate() {
                let title = format!("{} > {}", page.title, section.heading);
                let new = NewSection::new(title, section.words.join(" "))
                    .path([page.title.as_str(), section.heading.as_str()])
                    .line(number as u32 * 3 + 1)
                    .tags(section.tag.clone());
                source = source.section(new);
            }
            sources.push(source);
        }
        (sources, broken)
    }

    /// The next round begins: what was broken is whole again.
    fn settle(&mut self) {
        self.settled = self.stamps;
        for page in self.pages.values_mut() {
            (page.has_lost, page.has_gained) = (false, false);
            let sections = page.sections.iter_mut();
            sections.for_each(|section| (section.is_edited, section.is_moved) = (false, false));
        }
    }
}

fn open(path: &Path) -> Rekall {
    Rekall::builder(path).without_model().open().unwrap()
}

fn sync(rekall: &Rekall, (sources, broken): &(Vec<NewSource>, Vec<String>)) -> SyncReport {
    let mut sync = rekall.sync_sources(SCOPE).unwrap();
    for source in sources {
        if !sync.is_current(&source.uri, source.stamp.as_deref().unwrap()) {
            sync.add(source.clone()).unwrap();
        }
    }
    for uri in broken {
        sync.skip(uri, "it cannot be decoded");
    }
    sync.finish().unwrap()
}

/// The entries of the scope by the place that they say they have.
fn by_place(rekall: &Rekall) -> HashMap<(String, u32), Vec<Entry>> {
    let mut places: HashMap<(String, u32), Vec<Entry>> = HashMap::new();
    for entry in rekall.list(Filter::new().source(SCOPE), None, 10_000).unwrap() {
        let source = entry.source.clone().unwrap();
        places.entry((source.uri, source.line.unwrap())).or_default().push(entry);
    }
    places
}

/// Numbers over all scripts.
#[derive(Default, Debug)]
struct Counts {
    edits: BTreeMap<&'static str, usize>,
    looked_at: usize,
    lost: usize,
    wrong: usize,
    left: usize,
}

/// Looks at every section, and gives those that are new what people give.
fn compare(
    twin: &Twin,
    rekall: &Rekall,
    hub: EntryId,
    marked: &mut BTreeSet<u32>,
    counts: &mut Counts,
    what: &str,
) {
    let places = by_place(rekall);
    let mut batch = Batch::new();
    let mut read = 0;
    for (uri, page) in twin.pages.iter().filter(|(_, page)| !page.is_broken) {
        for (number, section) in page.sections.iter().enumerate() {
            read += 1;
            let place = (uri.clone(), number as u32 * 3 + 1);
            let content = section.words.join(" ");
            // Beside it there may be one that waits.
            let here: Vec<&Entry> =
                places.get(&place).into_iter().flatten().filter(|entry| entry.content == content).collect();
            let [entry] = here[..] else {
                panic!("{what}: {} entries of {content:?} at {place:?}", here.len())
            };
            assert_eq!(entry.title, format!("{} > {}", page.title, section.heading), "{what}");
            let (theirs, of_file): (Vec<&String>, Vec<&String>) =
                entry.tags.iter().partition(|tag| tag.starts_with("mine-"));
            assert_eq!(of_file, section.tag.iter().collect::<Vec<_>>(), "{what}: tags of the file");
            let mine = format!("mine-{}", section.name);
            let links = rekall.links(entry.id).unwrap();
            let reasons: Vec<&str> = links.iter().filter_map(|link| link.reason.as_deref()).collect();
            let metadata = entry.metadata.get("name").and_then(serde_json::Value::as_u64);
            let is_blank = theirs.is_empty() && reasons.is_empty() && metadata.is_none();
            if marked.contains(&section.name) {
                counts.looked_at += 1;
                let is_whole = theirs == [&mine]
                    && reasons == [mine.as_str()]
                    && metadata == Some(u64::from(section.name));
                if !is_whole {
                    println!("{what}: section {} has {theirs:?} {reasons:?} {metadata:?}", section.name);
                }
                counts.lost += usize::from(is_blank);
                counts.wrong += usize::from(!is_blank && !is_whole);
            } else if is_blank {
                let mut tags = entry.tags.clone();
                tags.insert(0, mine.clone());
                let mut metadata = entry.metadata.clone();
                metadata.insert("name".to_owned(), section.name.into());
                batch.update(entry.id, EntryPatch::new().tags(tags).metadata(metadata));
                batch.link(entry.id, hub, "of", Some(&mine));
                marked.insert(section.name);
            } else {
                println!("{what}: new section {} has {theirs:?} {reasons:?} {metadata:?}", section.name);
                counts.wrong += 1;
            }
        }
    }
    rekall.apply(&batch).run().unwrap();
    // Whatever else is there waits until all files can be read.
    if twin.pages.values().all(|page| !page.is_broken) {
        let left = places.values().map(Vec::len).sum::<usize>() - read;
        if left > 0 {
            println!("{what}: {left} entries of sections that are gone");
        }
        counts.left += left;
    }
}

#[test]
fn no_work_on_a_section_is_lost_or_mixed_up() {
    let mut counts = Counts::default();
    let folder = tempfile::tempdir().unwrap();
    for seed in 0..SCRIPTS {
        let path = folder.path().join(format!("{seed}.db"));
        let rekall = open(&path);
        let hub = rekall.remember(NewEntry::new("hub")).unwrap();
        let mut twin = Twin::new(seed, 4, 5);
        let mut marked = BTreeSet::new();
        sync(&rekall, &twin.read());
        compare(&twin, &rekall, hub, &mut marked, &mut counts, &format!("script {seed}, new"));
        for round in 0..ROUNDS {
            let count = 1 + twin.random.below(7);
            let edits: Vec<&str> = (0..count).map(|_| twin.edit()).collect();
            edits.iter().for_each(|edit| *counts.edits.entry(edit).or_default() += 1);
            let what = format!("script {seed}, round {round}, {edits:?}");
            let read = twin.read();
            if twin.random.one_in(8) {
                *counts.edits.entry("two runs at once").or_default() += 1;
                let other = open(&path);
                std::thread::scope(|scope| {
                    let first = scope.spawn(|| sync(&rekall, &read));
                    sync(&other, &read);
                    first.join().unwrap();
                });
            } else {
                sync(&rekall, &read);
            }
            compare(&twin, &rekall, hub, &mut marked, &mut counts, &what);
            // Nothing is left to do.
            let again = sync(&rekall, &twin.read());
            assert_eq!(
                (again.added, again.changed, again.moved, again.gone),
                (0, 0, 0, 0),
                "{what}: {again:?}"
            );
            twin.settle();
            for page in twin.pages.values_mut() {
                page.is_broken &= !twin.random.one_in(2);
            }
        }
        if seed.is_multiple_of(50) {
            let report = rekall.check().run().unwrap();
            assert!(report.is_clean(), "{report:#?}");
        }
        drop(rekall);
        for suffix in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(folder.path().join(format!("{seed}.db{suffix}")));
        }
    }
    println!("{SCRIPTS} scripts: {counts:#?}");
    assert!(counts.looked_at > 20_000, "{counts:?}");
    assert_eq!((counts.lost, counts.wrong, counts.left), (0, 0, 0), "{counts:#?}");
}

const FILE: &str = "REKALL_SYNCED_FILE";
const SOURCES: &str = "REKALL_SYNCED_SOURCES";

/// Runs in a child only.
#[test]
fn child_synchronizes() {
    let (Ok(file), Ok(sources)) = (std::env::var(FILE), std::env::var(SOURCES)) else { return };
    let read = serde_json::from_slice(&std::fs::read(sources).unwrap()).unwrap();
    let rekall = open(Path::new(&file));
    println!("\n> begin");
    sync(&rekall, &read);
    println!("\n> end");
}

fn child(file: &Path, sources: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["child_synchronizes", "--exact", "--nocapture", "--test-threads=1"]);
    command.env(FILE, file).env(SOURCES, sources);
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
    use std::io::{BufRead, BufReader};
    let mut counts = Counts::default();
    let (mut before, mut after) = (0, 0);
    let folder = tempfile::tempdir().unwrap();
    let (path, sources): (PathBuf, PathBuf) =
        (folder.path().join("killed.db"), folder.path().join("sources.json"));
    let rekall = Rekall::builder(&path).without_model().wall_clock(Later).open().unwrap();
    let hub = rekall.remember(NewEntry::new("hub")).unwrap();
    let mut twin = Twin::new(77, 80, 14);
    let mut marked = BTreeSet::new();
    sync(&rekall, &twin.read());
    compare(&twin, &rekall, hub, &mut marked, &mut counts, "new");
    for round in 0..24 {
        let edits = if round % 2 == 0 { 60 } else { 400 };
        for _ in 0..edits {
            *counts.edits.entry(twin.edit()).or_default() += 1;
        }
        let read = twin.read();
        std::fs::write(&sources, serde_json::to_vec(&read).unwrap()).unwrap();
        let mut killed = child(&path, &sources);
        let mut said = BufReader::new(killed.stdout.take().unwrap()).lines().map_while(Result::ok);
        assert!(said.any(|line| line == "> begin"));
        let end = Instant::now() + Duration::from_micros(twin.random.below(300_000) as u64);
        while Instant::now() < end {
            std::hint::spin_loop();
        }
        killed.kill().unwrap();
        killed.wait().unwrap();
        match said.any(|line| line == "> end") {
            true => after += 1,
            false => before += 1,
        }
        sync(&rekall, &read);
        compare(&twin, &rekall, hub, &mut marked, &mut counts, &format!("round {round}"));
        twin.settle();
        twin.pages.values_mut().for_each(|page| page.is_broken = false);
    }
    println!("{before} killed before the end, {after} after it: {counts:#?}");
    assert!(before > 0, "the moments are badly chosen");
    assert_eq!((counts.lost, counts.wrong, counts.left), (0, 0, 0), "{counts:#?}");
    let report = rekall.check().run().unwrap();
    assert!(report.is_clean(), "{report:#?}");
}
