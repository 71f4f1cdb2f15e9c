//! Which known section is which section of a source as it is now.
//!
//! A section is recognized by what it says, never by its position alone: first by its digest, then by likeness, each in its
//! source and then anywhere; last by a heading that nothing else in the source has. Everything that is decided
//! depends on the sections alone, so that two runs over the same files come to the same pairs.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use rekall_core::TextDigest;

use super::likeness::Sketch;

/// How alike two sections of one source must be to be the same one: half of what either says, or a quarter where
/// they also stand under the same headings.
const ALIKE: f64 = 0.5;
const ALIKE_UNDER_SAME_HEADINGS: f64 = 0.25;

/// How alike two sections of different sources must be.
const ALIKE_ELSEWHERE: f64 = 0.6;

/// A piece of text that so many sections have says nothing about which is which.
const COMMON: usize = 64;

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

/// What the texts of sections say, for those that no digest settles.
#[derive(Debug, Clone, Default)]
pub(super) struct Look {
    /// Of the text without its heading; `None` where that is blank.
    pub(super) text: Option<TextDigest>,
    pub(super) sketch: Sketch,
}

/// Pairs of known and new sections.
#[derive(Debug)]
pub(super) struct Matching<'a> {
    known: &'a [Section<'a>],
    new: &'a [Section<'a>],
    of_new: Vec<Option<usize>>,
    of_known: Vec<Option<usize>>,
}

impl<'a> Matching<'a> {
    /// Pairs what digests settle. O(sections).
    pub(super) fn by_digest(known: &'a [Section<'a>], new: &'a [Section<'a>]) -> Self {
        let mut matching =
            Self { known, new, of_new: vec![None; new.len()], of_known: vec![None; known.len()] };
        let here = |section: &Section<'_>| (!section.is_orphan).then_some(section.source);
        matching.pair(
            |at| here(&known[at]).map(|s| (s, known[at].digest, known[at].path)),
            |at| Some((new[at].source, new[at].digest, new[at].path)),
        );
        matching.pair(
            |at| here(&known[at]).map(|s| (s, known[at].digest)),
            |at| Some((new[at].source, new[at].digest)),
        );
        matching
            .pair(|at| Some((known[at].digest, known[at].path)), |at| Some((new[at].digest, new[at].path)));
        matching.pair(|at| Some(known[at].digest), |at| Some(new[at].digest));
        matching
    }

    /// The known and the new sections that have no partner.
    pub(super) fn left(&self) -> (Vec<usize>, Vec<usize>) {
        let free = |pairs: &[Option<usize>]| {
            pairs.iter().enumerate().filter(|(_, pair)| pair.is_none()).map(|(at, _)| at).collect()
        };
        (free(&self.of_known), free(&self.of_new))
    }

    /// Pairs what is left by what the texts say. `known` and `new` give the look of each section that is [`left`](Self::left).
    /// O(sections that are left, and pairs of them that share a piece of text that few have).
    pub(super) fn by_text(&mut self, known: &HashMap<usize, Look>, new: &HashMap<usize, Look>) {
        let (olds, news) = (self.known, self.new);
        let here = |at: usize| (!olds[at].is_orphan).then_some(olds[at].source);
        // Only the heading was changed.
        self.pair_unique(
            |at| Some((here(at)?, known.get(&at)?.text?)),
            |at| Some((news[at].source, new.get(&at)?.text?)),
        );
        self.pair_alike(known, new, true);
        self.pair_unique(|at| known.get(&at)?.text, |at| new.get(&at)?.text);
        self.pair_alike(known, new, false);
        self.pair_headings();
        self.pair_renamed();
    }

    /// For each new section the known one that it is.
    pub(super) fn into_pairs(self) -> Vec<Option<usize>> {
        self.of_new
    }

    fn set(&mut self, known: usize, new: usize) {
        self.of_known[known] = Some(new);
        self.of_new[new] = Some(known);
    }

    /// Pairs those with equal keys, in their order.
    fn pair<K: Eq + Hash>(&mut self, known: impl Fn(usize) -> Option<K>, new: impl Fn(usize) -> Option<K>) {
        let (free_known, free_new) = self.left();
        let mut waiting: HashMap<K, Vec<usize>> = HashMap::new();
        for at in free_known.into_iter().rev() {
            if let Some(key) = known(at) {
                waiting.entry(key).or_default().push(at);
            }
        }
        for at in free_new {
            let partner = new(at).and_then(|key| waiting.get_mut(&key)?.pop());
            if let Some(partner) = partner {
                self.set(partner, at);
            }
        }
    }

    /// Pairs those whose key no other section that is left has.
    fn pair_unique<K: Eq + Hash>(
        &mut self,
        known: impl Fn(usize) -> Option<K>,
        new: impl Fn(usize) -> Option<K>,
    ) {
        let (free_known, free_new) = self.left();
        let (once_known, once_new) = (once(free_known, known), once(free_new, new));
        let mut pairs: Vec<(usize, usize)> =
            once_known.iter().filter_map(|(key, &at)| Some((at, *once_new.get(key)?))).collect();
        pairs.sort_unstable();
        pairs.into_iter().for_each(|(known, new)| self.set(known, new));
    }

    /// Pairs those that are most alike, the best pairs first.
    fn pair_alike(&mut self, known: &HashMap<usize, Look>, new: &HashMap<usize, Look>, within: bool) {
        let (free_known, free_new) = self.left();
        let mut pairs = Vec::new();
        let mut weigh = |old: usize, now: usize| {
            let (Some(a), Some(b)) = (known.get(&old), new.get(&now)) else { return };
            let same_headings = self.known[old].path == self.new[now].path;
            let needed = match (within, same_headings) {
                (true, true) => ALIKE_UNDER_SAME_HEADINGS,
                (true, false) => ALIKE,
                (false, _) => ALIKE_ELSEWHERE,
            };
            let likeness = a.sketch.likeness(&b.sketch);
            if likeness >= needed {
                // Of equally likely ones those under the same headings; after that the order decides.
                pairs.push((Reverse((likeness * 1e6) as u64), !same_headings, old, now));
            }
        };
        // Only those that share a piece are compared.
        let mut of_piece: HashMap<(Option<usize>, u64), Vec<usize>> = HashMap::new();
        for old in free_known.into_iter().filter(|&old| !(within && self.known[old].is_orphan)) {
            let place = within.then_some(self.known[old].source);
            for &piece in known.get(&old).iter().flat_map(|look| look.sketch.hashes()) {
                of_piece.entry((place, piece)).or_default().push(old);
            }
        }
        of_piece.retain(|_, sections| sections.len() <= COMMON);
        for now in free_new {
            let place = within.then_some(self.new[now].source);
            let pieces = new.get(&now).map(|look| look.sketch.hashes()).unwrap_or_default();
            let near: HashSet<usize> =
                pieces.iter().filter_map(|&piece| of_piece.get(&(place, piece))).flatten().copied().collect();
            near.into_iter().for_each(|old| weigh(old, now));
        }
        pairs.sort_unstable();
        for (_, _, old, now) in pairs {
            if self.of_known[old].is_none() && self.of_new[now].is_none() {
                self.set(old, now);
            }
        }
    }

    /// Pairs those that stand under headings that nothing else in their source stands under, before and now.
    fn pair_headings(&mut self) {
        let (olds, news) = (self.known, self.new);
        let before =
            once(0..olds.len(), |at| (!olds[at].is_orphan).then_some((olds[at].source, olds[at].path)));
        let now = once(0..news.len(), |at| Some((news[at].source, news[at].path)));
        self.pair_at(&before, &now, |key| Some(*key));
    }

    /// The same across a change of a source's name: most of what was paired so far of the one went to the other.
    fn pair_renamed(&mut self) {
        let mut moves: HashMap<usize, HashMap<usize, usize>> = HashMap::new();
        for (now, old) in self.of_new.iter().enumerate() {
            if let Some(old) = *old {
                let targets = moves.entry(self.known[old].source).or_default();
                *targets.entry(self.new[now].source).or_default() += 1;
            }
        }
        let renamed: HashMap<usize, usize> = moves
            .into_iter()
            .filter_map(|(from, targets)| {
                let all: usize = targets.values().sum();
                let (to, most) = targets.into_iter().max_by_key(|&(to, count)| (count, Reverse(to)))?;
                (to != from && 2 * most > all).then_some((from, to))
            })
            .collect();
        let (olds, news) = (self.known, self.new);
        let before =
            once(0..olds.len(), |at| (!olds[at].is_orphan).then_some((olds[at].source, olds[at].path)));
        let now = once(0..news.len(), |at| Some((news[at].source, news[at].path)));
        self.pair_at(&before, &now, |&(source, path)| Some((*renamed.get(&source)?, path)));
    }

    fn pair_at<K: Eq + Hash>(
        &mut self,
        before: &HashMap<K, usize>,
        now: &HashMap<K, usize>,
        key_now: impl Fn(&K) -> Option<K>,
    ) {
        let free = |old: usize, new: usize| self.of_known[old].is_none() && self.of_new[new].is_none();
        let mut pairs: Vec<(usize, usize)> = before
            .iter()
            .filter_map(|(key, &old)| Some((old, *now.get(&key_now(key)?)?)))
            .filter(|&(old, new)| free(old, new))
            .collect();
        pairs.sort_unstable();
        for (old, new) in pairs {
            if self.of_known[old].is_none() && self.of_new[new].is_none() {
                self.set(old, new);
            }
        }
    }
}

/// Those whose key no other has.
fn once<K: Eq + Hash>(
    all: impl IntoIterator<Item = usize>,
    key: impl Fn(usize) -> Option<K>,
) -> HashMap<K, usize> {
    let mut found: HashMap<K, Option<usize>> = HashMap::new();
    for at in all {
        if let Some(key) = key(at) {
            found.entry(key).and_modify(|only| *only = None).or_insert(Some(at));
        }
    }
    found.into_iter().filter_map(|(key, at)| Some((key, at?))).collect()
}

#[cfg(test)]
mod tests {
    use rekall_core::section_digest;

    use super::*;

    /// A file of one source: heading path, text.
    type File<'a> = &'a [(&'a [&'a str], &'a str)];

    /// Which known section each new one is; both by number over all files.
    fn pairs(before: &[File<'_>], now: &[File<'_>]) -> Vec<Option<usize>> {
        let flat = |files: &[File<'_>]| -> Vec<(usize, Vec<String>, String)> {
            let files = files.iter().enumerate();
            files
                .flat_map(|(source, file)| {
                    file.iter().map(move |(path, text)| {
                        (source, path.iter().map(|&part| part.to_owned()).collect(), (*text).to_owned())
                    })
                })
                .collect()
        };
        let (before, now) = (flat(before), flat(now));
        let sections = |all: &'static [(usize, Vec<String>, String)]| -> Vec<Section<'static>> {
            let section = |(source, path, text): &'static (usize, Vec<String>, String)| Section {
                source: *source,
                path,
                digest: section_digest(path.last().map_or("", String::as_str), text),
                is_orphan: false,
            };
            all.iter().map(section).collect()
        };
        let (before, now): (&'static Vec<_>, &'static Vec<_>) =
            (Box::leak(Box::new(before)), Box::leak(Box::new(now)));
        let (known, new) = (sections(before).leak(), sections(now).leak());
        let look = |all: &[(usize, Vec<String>, String)], at: usize| {
            let (_, path, text) = &all[at];
            let said = (!text.trim().is_empty()).then(|| TextDigest::of(text.trim()));
            (at, Look { text: said, sketch: Sketch::of(path.last().map_or("", String::as_str), text) })
        };
        let mut matching = Matching::by_digest(known, new);
        let (left_known, left_new) = matching.left();
        matching.by_text(
            &left_known.into_iter().map(|at| look(before, at)).collect(),
            &left_new.into_iter().map(|at| look(now, at)).collect(),
        );
        matching.into_pairs()
    }

    const MILK: &str = "Buy milk, bread and the good cheese from the market.";
    const TAXES: &str = "Send the papers for last year to the accountant by May.";
    const BIKE: &str = "Bring the bicycle to the workshop, the brake is loose.";

    #[test]
    fn a_section_put_before_others_of_its_name_takes_nothing_from_them() {
        let before: File<'_> = &[(&["TODO"], MILK), (&["TODO"], TAXES)];
        let now: File<'_> = &[(&["TODO"], BIKE), (&["TODO"], MILK), (&["TODO"], TAXES)];
        assert_eq!(pairs(&[before], &[now]), [None, Some(0), Some(1)]);
    }

    #[test]
    fn an_edit_is_told_from_a_new_section_of_the_same_name() {
        let milk = MILK.replace("cheese", "butter");
        let before: File<'_> = &[(&["TODO"], MILK), (&["TODO"], TAXES)];
        let now: File<'_> = &[(&["TODO"], BIKE), (&["TODO"], TAXES), (&["TODO"], &milk)];
        assert_eq!(pairs(&[before], &[now]), [None, Some(1), Some(0)]);
    }

    #[test]
    fn a_heading_that_nothing_else_has_is_enough_when_all_words_are_others() {
        let before: File<'_> = &[(&["Notes", "Plan"], MILK), (&["Notes", "Log"], TAXES)];
        let now: File<'_> = &[(&["Notes", "Log"], TAXES), (&["Notes", "Plan"], BIKE)];
        assert_eq!(pairs(&[before], &[now]), [Some(1), Some(0)]);
        // Two have it now: which of them it is cannot be told.
        let now: File<'_> = &[(&["Notes", "Plan"], BIKE), (&["Notes", "Plan"], "Something else again.")];
        assert_eq!(pairs(&[&before[..1]], &[now]), [None, None]);
    }

    #[test]
    fn a_heading_may_change_alone_or_with_those_above() {
        let before: File<'_> = &[(&["Home", "Shoping"], "ok"), (&["Home", "Papers"], TAXES)];
        let now: File<'_> = &[(&["House", "Shopping"], "ok"), (&["House", "Papers"], TAXES)];
        assert_eq!(pairs(&[before], &[now]), [Some(0), Some(1)]);
    }

    #[test]
    fn sections_are_followed_into_other_files() {
        let before: [File<'_>; 2] = [&[(&["A"], MILK), (&["B"], TAXES)], &[(&["C"], BIKE)]];
        let milk = MILK.replace("market", "farm shop");
        let now: [File<'_>; 2] = [&[(&["B"], TAXES)], &[(&["A"], &milk), (&["C"], BIKE)]];
        assert_eq!(pairs(&before, &now), [Some(1), Some(0), Some(2)]);
    }

    /// The first file went; the third is its name now. One of its sections was written once more.
    #[test]
    fn a_renamed_file_brings_along_what_was_rewritten_in_it() {
        let before: [File<'_>; 3] = [&[(&["A"], MILK), (&["B"], TAXES), (&["C"], "ok")], &[], &[]];
        let now: [File<'_>; 3] = [&[], &[], &[(&["A"], MILK), (&["B"], TAXES), (&["C"], BIKE)]];
        assert_eq!(pairs(&before, &now), [Some(0), Some(1), Some(2)]);
    }

    #[test]
    fn twins_are_paired_in_their_order_and_a_place_alone_says_nothing() {
        let twins: File<'_> = &[(&["TODO"], ""), (&["TODO"], "")];
        assert_eq!(pairs(&[twins], &[twins]), [Some(0), Some(1)]);
        let before: File<'_> = &[(&["Milk"], MILK)];
        let now: File<'_> = &[(&["Taxes"], TAXES)];
        assert_eq!(pairs(&[before], &[now]), [None]);
    }
}
