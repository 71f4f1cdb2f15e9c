//! Which known section is which section of a source as it is now.
//!
//! A section is recognized by what it says, never by its place alone. In its own source little is enough. Elsewhere it takes
//! more: a text that is long enough to be told from any other, and that nothing else says, because templates make
//! sections alike that have nothing to do with each other. Where most of a new source comes from one that is gone, it is that
//! source under another name. Everything that is decided depends on the sections alone, so that two runs over the same files
//! come to the same pairs.

mod alike;
mod exact;
mod files;
mod tables;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};

use rekall_core::TextDigest;

use super::likeness::Sketch;
pub(super) use files::name;

/// Bytes of letters and digits of a text that is told from others by its own and its heading's words; in any script.
/// `TBD`, `call mum` and `nothing to report` have fewer.
const TELLING: usize = 16;

/// The same for a text under another heading, or one that was changed.
const TELLING_ALONE: usize = 40;

/// A source that sections come from or are in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) uri: &'a str,
    /// Of all of it, tags and lines included.
    pub(super) digest: TextDigest,
    /// None of its sections is known.
    pub(super) is_new: bool,
    /// It has no section any more.
    pub(super) is_gone: bool,
}

/// A section, known or new.
#[derive(Debug, Clone)]
pub(super) struct Section<'a> {
    /// Number of its source in this matching.
    pub(super) source: usize,
    pub(super) path: &'a [String],
    pub(super) digest: TextDigest,
    /// Whether it may only be found elsewhere: it is gone from its source already.
    pub(super) is_orphan: bool,
}

/// What the text of a section says, for those that no digest settles.
#[derive(Debug, Clone, Default)]
pub(super) struct Look {
    /// Of the text without its heading; `None` where that is blank.
    text: Option<TextDigest>,
    sketch: Sketch,
    /// Bytes of its letters and digits.
    weight: usize,
}

impl Look {
    pub(super) fn of(text: &str) -> Self {
        let trimmed = text.trim();
        let said = (!trimmed.is_empty()).then(|| TextDigest::of(trimmed));
        Self { text: said, sketch: Sketch::of(text), weight: weight(text) }
    }
}

/// Looks of sections, by their numbers.
pub(super) type Looks = HashMap<usize, Look>;

/// A source that is as it was, near one that changed: what it says too tells nothing apart.
#[derive(Debug, Clone, Default)]
pub(super) struct Living<'a> {
    /// Headings and digests of its sections, in their order.
    pub(super) sections: Vec<(&'a [String], TextDigest)>,
    /// Their looks; empty until somebody needs them.
    pub(super) looks: Vec<Look>,
}

/// Pairs of known and new sections.
#[derive(Debug)]
pub(super) struct Matching<'a> {
    sources: &'a [Source<'a>],
    known: &'a [Section<'a>],
    new: &'a [Section<'a>],
    /// What the new ones say.
    texts: &'a [&'a str],
    /// Bytes of letters and digits of the new ones.
    weights: Vec<usize>,
    of_new: Vec<Option<usize>>,
    of_known: Vec<Option<usize>>,
    /// For each source the one that it is now.
    homes: Vec<usize>,
}

impl<'a> Matching<'a> {
    /// Pairs what digests settle within the sources. O(sections).
    pub(super) fn here(
        sources: &'a [Source<'a>],
        known: &'a [Section<'a>],
        new: &'a [Section<'a>],
        texts: &'a [&'a str],
    ) -> Self {
        let mut matching = Self {
            sources,
            known,
            new,
            texts,
            weights: texts.iter().map(|text| weight(text)).collect(),
            of_new: vec![None; new.len()],
            of_known: vec![None; known.len()],
            homes: (0..sources.len()).collect(),
        };
        matching.pair_digests_at_home();
        matching
    }

    /// Pairs the sections of sources that are the same, from the beginning to the end, under another name. `living` are
    /// those near the sources [of interest](Self::of_interest).
    pub(super) fn renamed(&mut self, living: &[Living<'_>]) {
        self.pair_renamed_whole(living);
    }

    /// Pairs what says the same in other sources. `looks` are those of the sections that are [`left`](Self::left), `nearby`
    /// the given sources near those of interest; `living` has looks.
    pub(super) fn elsewhere(
        &mut self,
        looks: (&Looks, &Looks),
        living: &[Living<'_>],
        nearby: &BTreeSet<usize>,
    ) {
        self.pair_renamed_texts(looks, living);
        self.pair_elsewhere(looks, living, nearby, true);
        self.follow_renamed();
        self.pair_digests_at_home();
        self.pair_in_company();
    }

    /// Pairs what is left within the sources by what the texts say.
    /// O(sections that are left, and pairs of them that share a piece of text that few have).
    pub(super) fn alike_here(&mut self, looks: (&Looks, &Looks)) {
        self.pair_digests_at_home();
        self.pair_texts_at_home(looks);
        self.pair_alike_at_home(looks);
    }

    /// The same across sources.
    pub(super) fn alike_elsewhere(
        &mut self,
        looks: (&Looks, &Looks),
        living: &[Living<'_>],
        nearby: &BTreeSet<usize>,
    ) {
        self.elsewhere(looks, living, nearby);
        self.pair_elsewhere(looks, living, nearby, false);
        self.follow_renamed();
        self.alike_here(looks);
        self.pair_in_company();
    }

    /// Pairs those that are left under headings that nothing else in their source stands under, before and now.
    pub(super) fn by_heading(&mut self) {
        let (olds, news) = (self.known, self.new);
        let before = tables::once(0..olds.len(), |at| Some((self.home(at)?, olds[at].path)));
        let now = tables::once(0..news.len(), |at| Some((news[at].source, news[at].path)));
        let mut pairs: Vec<(usize, usize)> =
            before.iter().filter_map(|(key, &old)| Some((old, *now.get(key)?))).collect();
        pairs.sort_unstable();
        for (old, new) in pairs {
            if self.of_known[old].is_none() && self.of_new[new].is_none() {
                self.set(old, new);
            }
        }
    }

    /// For each new section the known one that it is.
    pub(super) fn into_pairs(self) -> Vec<Option<usize>> {
        self.of_new
    }

    /// The source in which a known section is looked for first.
    fn home(&self, known: usize) -> Option<usize> {
        let section = &self.known[known];
        (!section.is_orphan).then(|| self.homes[section.source])
    }
}

/// Bytes of letters and digits: a character of Chinese says as much as three of English.
fn weight(text: &str) -> usize {
    text.chars().filter(|character| character.is_alphanumeric()).map(char::len_utf8).sum()
}
