//! A naive twin of a folder of notes: it knows which section is which, because it made the edits.
//!
//! What no reader could tell apart the twin does not ask for. A few words alone, or a template's, that went into another
//! file are such a thing: whether their entry was followed is left open (`former`). That they took somebody else's place never
//! is.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

mod doubt;
mod edits;
mod page;
mod random;

use page::Said;
pub use page::{Kind, Page, Section};
pub use random::Random;

const LONG_HEADING: &str = "What I want to get done today, whatever else happens";
const SHORT_HEADINGS: [&str; 4] = ["TODO", "Notes", "Mood", LONG_HEADING];
const SHORT_TEXTS: [&str; 7] =
    ["TBD", "ok", "none", "call mum", "fix bike", "- [ ] call mum", "same as yesterday"];
const REVIEW: &str = "What went well today, what did not, and whom shall I ask about it tomorrow? Answer:";

/// What a byte of another encoding is read as.
pub const STRAY: &str = "\u{e9}";

/// The page that no edit touches.
const FIXED: &str = "sub/every-day.md";

/// A folder of files, by name.
pub struct Twin {
    pub pages: BTreeMap<String, Page>,
    pub random: Random,
    /// Whether a page is left with a section in any case.
    pub keeps_one: bool,
    names: u32,
    stamps: u32,
    /// The newest stamp of the last round.
    settled: u32,
    /// What pages said that were deleted since all files could be read.
    deleted: Vec<Said>,
}

pub const NOTHING: &str = "nothing";

impl Twin {
    pub fn new(seed: u64, pages: usize, sections: usize) -> Self {
        let mut twin = Self {
            pages: BTreeMap::new(),
            random: Random(seed),
            keeps_one: false,
            names: 0,
            stamps: 0,
            settled: 0,
            deleted: Vec::new(),
        };
        for _ in 0..pages {
            twin.create(sections);
        }
        // Nobody touches it: what stands in it too is a template.
        let words = REVIEW.split(' ').map(str::to_owned).collect();
        let review = twin.named(Kind::Template, "Review".to_owned(), words);
        twin.create(1);
        let name = twin.pages.keys().next_back().unwrap().clone();
        let mut page = twin.pages.remove(&name).unwrap();
        page.sections = vec![review];
        twin.pages.insert(FIXED.to_owned(), page);
        twin.settle();
        twin
    }

    /// A new page of the folder.
    fn create(&mut self, sections: usize) {
        let name = self.file_name();
        let mut page = Page {
            number: self.stamps,
            title: self.random.one_in(2).then(|| self.random.words(2).join(" ")),
            tag: self.random.one_in(3).then(|| format!("file-{}", self.random.below(3))),
            sections: Vec::new(),
            is_broken: false,
            stamp: self.stamps,
            has_lost: false,
            has_gained: false,
            is_new: true,
            is_renamed: false,
            is_retitled: false,
            is_shuffled: true,
            lost: Vec::new(),
            before: (None, Vec::new()),
        };
        for _ in 0..1 + self.random.below(sections) {
            let section = self.section(&page);
            page.sections.push(section);
        }
        // A page that says what one said that is gone, or has another name, is that one.
        if self.deleted.contains(&page.said()) || self.pages.values().any(|other| other.before == page.said())
        {
            let section = self.long();
            page.sections.push(section);
        }
        self.pages.insert(name, page);
    }

    fn file_name(&mut self) -> String {
        self.stamps += 1;
        let folder = ["", "sub/", "sub/deep/"][self.random.below(3)];
        format!("{folder}{}-{}.md", self.random.word(), self.stamps)
    }

    fn long(&mut self) -> Section {
        // Headings that several sections of a file have are the rule, not the exception.
        let heading = match self.random.below(4) {
            0 => "TODO".to_owned(),
            1 => "Usage".to_owned(),
            2 => LONG_HEADING.to_owned(),
            _ => self.random.words(2).join(" "),
        };
        let count = 14 + self.random.below(20);
        let mut words = self.random.words(count);
        if self.random.one_in(4) {
            words.splice(0..0, "attendees none and the agenda of this day was".split(' ').map(str::to_owned));
        }
        self.named(Kind::Long, heading, words)
    }

    /// A section that the page does not have yet.
    fn section(&mut self, page: &Page) -> Section {
        let has = |heading: &str| page.sections.iter().any(|section| section.heading == heading);
        match self.random.below(4) {
            0 | 1 => {
                let heading = self.random.one_of(&SHORT_HEADINGS).to_owned();
                let text = self.random.one_of(&SHORT_TEXTS);
                // What is there already, or was, is not new.
                let said = (heading.clone(), text.to_owned());
                if page.before.1.contains(&said) || page.said().1.contains(&said) {
                    return self.long();
                }
                let words = text.split(' ').map(str::to_owned).collect();
                self.named(Kind::Short, heading, words)
            }
            2 if !has("Review") && page.sections.iter().all(|section| section.kind != Kind::Template) => {
                let mut words: Vec<String> = REVIEW.split(' ').map(str::to_owned).collect();
                let answer = self.random.below(3);
                words.extend(self.random.words(answer));
                self.named(Kind::Template, "Review".to_owned(), words)
            }
            _ => self.long(),
        }
    }

    fn named(&mut self, kind: Kind, heading: String, words: Vec<String>) -> Section {
        self.names += 1;
        let tag = self.random.one_in(3).then(|| format!("file-{}", self.random.below(3)));
        Section {
            name: self.names,
            former: Vec::new(),
            kind,
            heading,
            words,
            tag,
            is_edited: false,
            is_retitled: false,
            is_moved: false,
            is_new: true,
        }
    }

    /// The next round begins.
    pub fn settle(&mut self) {
        self.settled = self.stamps;
        if self.is_whole() {
            self.deleted.clear();
        }
        for page in self.pages.values_mut() {
            (page.has_lost, page.has_gained) = (false, false);
            (page.is_new, page.is_renamed, page.is_retitled, page.is_shuffled) = (false, false, false, false);
            page.before = page.said();
            page.lost.clear();
            for section in &mut page.sections {
                section.former.clear();
                (section.is_edited, section.is_retitled, section.is_moved, section.is_new) =
                    (false, false, false, false);
            }
        }
    }

    /// Makes some of the pages whole again that could not be read.
    pub fn mend(&mut self, one_in: usize) {
        for page in self.pages.values_mut() {
            page.is_broken &= !self.random.one_in(one_in);
        }
    }

    pub fn is_whole(&self) -> bool {
        self.pages.values().all(|page| !page.is_broken)
    }
}
