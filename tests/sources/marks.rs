//! What people give to entries, and whether it is still on the section that they gave it to.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rekall::{Batch, Entry, EntryId, EntryPatch, Filter, NewEntry, Rekall};

use crate::twin::{Page, Section, Twin};

/// Numbers over all scripts.
#[derive(Default, Debug)]
pub struct Counts {
    pub edits: BTreeMap<&'static str, usize>,
    /// Sections with something that people gave them, and those of them that nobody could tell and that kept it.
    pub looked_at: usize,
    pub followed: usize,
    pub unfollowed: usize,
    pub lost: usize,
    pub wrong: usize,
    pub left: usize,
}

impl Counts {
    /// Of the scripts with the seeds below `scripts`, on two threads.
    pub fn of_scripts(scripts: u64, script: impl Fn(u64) -> Self + Sync) -> Self {
        let mut counts = Self::default();
        std::thread::scope(|scope| {
            let script = &script;
            let half = |first: u64| {
                move || {
                    let mut counts = Self::default();
                    (first..scripts).step_by(2).for_each(|seed| counts.add(script(seed)));
                    counts
                }
            };
            let halves = [scope.spawn(half(0)), scope.spawn(half(1))];
            halves.into_iter().for_each(|half| counts.add(half.join().unwrap()));
        });
        println!("{scripts} scripts: {counts:#?}");
        counts
    }

    pub fn add(&mut self, other: Self) {
        for (edit, count) in other.edits {
            *self.edits.entry(edit).or_default() += count;
        }
        self.looked_at += other.looked_at;
        self.followed += other.followed;
        self.unfollowed += other.unfollowed;
        self.lost += other.lost;
        self.wrong += other.wrong;
        self.left += other.left;
    }
}

/// Gives marks to the sections of a twin in one database, and looks for them.
pub struct Marks<'a> {
    rekall: &'a Rekall,
    /// The URI that the pages lie under, with a slash at its end.
    base: String,
    hub: EntryId,
    marked: BTreeSet<u32>,
}

/// As a reader finds it: its line, and the tags that the file gives it.
pub type Found = fn(&Page, usize) -> (u32, Vec<String>);

impl<'a> Marks<'a> {
    pub fn new(rekall: &'a Rekall, base: impl Into<String>) -> Self {
        let hub = rekall.remember(NewEntry::new("hub")).unwrap();
        Self { rekall, base: base.into(), hub, marked: BTreeSet::new() }
    }

    /// Looks at every section, and gives those that are new what people give.
    pub fn compare(&mut self, twin: &mut Twin, found: Found, counts: &mut Counts, what: &str) {
        let mut places: HashMap<(String, u32), Vec<Entry>> = HashMap::new();
        let mut waiting = 0;
        let tx = self.rekall.store().read().unwrap();
        for entry in self.rekall.list(Filter::new().source(self.base.as_str()), None, 10_000).unwrap() {
            let source = entry.source.clone().unwrap();
            let row = tx.locate(entry.id).unwrap().0;
            if tx.section_of(row).unwrap().unwrap().number < 0 {
                waiting += 1;
            } else {
                places.entry((source.uri, source.line.unwrap())).or_default().push(entry);
            }
        }
        drop(tx);
        let mut batch = Batch::new();
        let mut read = 0;
        for (name, page) in twin.pages.iter_mut().filter(|(_, page)| !page.is_broken) {
            for at in 0..page.sections.len() {
                read += 1;
                let (line, tags) = found(page, at);
                let place = (format!("{}{name}", self.base), line);
                let content = page.sections[at].text();
                let [entry] = places.get(&place).map_or(&[][..], Vec::as_slice) else {
                    panic!("{what}: {content:?} at {place:?}: {:?}", places.get(&place))
                };
                assert_eq!(entry.content, content, "{what}");
                assert_eq!(entry.title, page.path(&page.sections[at]).join(" > "), "{what}");
                let of_file = entry.tags.iter().filter(|tag| !tag.starts_with("mine-"));
                assert_eq!(
                    of_file.collect::<Vec<_>>(),
                    tags.iter().collect::<Vec<_>>(),
                    "{what}: tags of the file"
                );
                self.look(&mut page.sections[at], entry, &mut batch, counts, what);
            }
        }
        self.rekall.apply(&batch).run().unwrap();
        // Whatever else is there waits until all files can be read.
        if twin.is_whole() {
            let left = waiting + places.values().map(Vec::len).sum::<usize>() - read;
            if left > 0 {
                println!("{what}: {left} entries of sections that are gone");
            }
            counts.left += left;
        }
    }

    fn look(
        &mut self,
        section: &mut Section,
        entry: &Entry,
        batch: &mut Batch,
        counts: &mut Counts,
        what: &str,
    ) {
        let theirs: Vec<&str> = entry.tags.iter().filter_map(|tag| tag.strip_prefix("mine-")).collect();
        let links = self.rekall.links(entry.id).unwrap();
        let reasons: Vec<&str> = links.iter().filter_map(|link| link.reason.as_deref()).collect();
        let metadata = entry.metadata.get("name").and_then(serde_json::Value::as_u64);
        let is_blank = theirs.is_empty() && reasons.is_empty() && metadata.is_none();
        let has = |name: u32| {
            theirs == [name.to_string()] && reasons == [name.to_string()] && metadata == Some(u64::from(name))
        };
        let is_followed = section.former.iter().copied().find(|&name| has(name));
        if let Some(name) = is_followed {
            section.name = name;
            counts.followed += 1;
            return;
        }
        counts.unfollowed += usize::from(!section.former.is_empty());
        if self.marked.contains(&section.name) {
            counts.looked_at += 1;
            if !has(section.name) {
                println!("{what}: {section:?} has {theirs:?} {reasons:?} {metadata:?}");
            }
            counts.lost += usize::from(is_blank);
            counts.wrong += usize::from(!is_blank && !has(section.name));
        } else if is_blank {
            let mine = section.name.to_string();
            let mut tags = entry.tags.clone();
            tags.insert(0, format!("mine-{mine}"));
            let mut metadata = entry.metadata.clone();
            metadata.insert("name".to_owned(), section.name.into());
            batch.update(entry.id, EntryPatch::new().tags(tags).metadata(metadata));
            batch.link(entry.id, self.hub, "of", Some(&mine));
            self.marked.insert(section.name);
        } else {
            println!("{what}: new {section:?} has {theirs:?} {reasons:?} {metadata:?}");
            counts.wrong += 1;
        }
    }
}
