//! A page and its sections, and what became of them since the last run.

/// How much a section says that no other does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Long,
    /// A few words, that others say too.
    Short,
    /// What a template says, filled in or not.
    Template,
}

/// A section as its author sees it.
#[derive(Debug, Clone)]
pub struct Section {
    /// Which it is, whatever it says.
    pub name: u32,
    /// Which it may be as well.
    pub former: Vec<u32>,
    pub kind: Kind,
    pub heading: String,
    pub words: Vec<String>,
    pub tag: Option<String>,
    /// Since the last run: an author changes one thing at a time.
    pub(super) is_edited: bool,
    pub(super) is_retitled: bool,
    pub(super) is_moved: bool,
    pub(super) is_new: bool,
}

impl Section {
    pub fn text(&self) -> String {
        self.words.join(" ")
    }

    pub(super) fn said(&self) -> (String, String) {
        (self.heading.clone(), self.text())
    }

    pub(super) fn weight(&self) -> usize {
        self.words.iter().map(String::len).sum()
    }
}

#[derive(Clone)]
pub struct Page {
    /// Which it is, whatever its name.
    pub number: u32,
    /// A heading above all others.
    pub title: Option<String>,
    pub tag: Option<String>,
    pub sections: Vec<Section>,
    /// Cannot be read, in this round.
    pub is_broken: bool,
    pub stamp: u32,
    /// What became of it in this round: a section was deleted, inserted,.
    pub(super) has_lost: bool,
    pub(super) has_gained: bool,
    pub(super) is_new: bool,
    pub(super) is_renamed: bool,
    pub(super) is_retitled: bool,
    /// Its sections have other neighbors.
    pub(super) is_shuffled: bool,
    /// Texts of short sections that were deleted, and which they were.
    pub(super) lost: Vec<(String, u32)>,
    /// What it said, and the headings that it had.
    pub(super) before: Said,
}

/// All that a page says: its title, headings and texts.
pub type Said = (Option<String>, Vec<(String, String)>);

impl Page {
    /// Headings of a section, outermost first.
    pub fn path(&self, section: &Section) -> Vec<String> {
        self.title.iter().cloned().chain([section.heading.clone()]).collect()
    }

    /// Whether a section that is found by its heading may have had this one.
    pub(super) fn had(&self, heading: &str) -> bool {
        let is_retitled = |section: &Section| section.is_retitled && section.kind != Kind::Long;
        self.sections.iter().any(is_retitled) && self.before.1.iter().any(|said| said.0 == heading)
    }

    pub(super) fn said(&self) -> Said {
        (self.title.clone(), self.sections.iter().map(Section::said).collect())
    }
}
