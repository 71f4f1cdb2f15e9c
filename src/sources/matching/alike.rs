//! Sections that say nearly the same, and sections that say the same in another source.

use std::collections::{BTreeSet, HashMap, HashSet};

use rekall_core::TextDigest;

use super::exact::Neighbors;
use super::{Living, Looks, Matching, TELLING, TELLING_ALONE};
use crate::sources::likeness::Sketch;

/// How close two sections of one source must be to be the same one: half of what either says, or a quarter where they
/// also stand under the same headings.
const CLOSE: f64 = 0.5;
const SAME_HEADINGS: f64 = 0.25;

/// What it adds that a section stands between those that it stood between. Not enough to be the same one, but it tells
/// apart what a template makes alike.
const SAME_PLACE: f64 = 0.25;

/// How alike two sections of different sources must be.
const ALIKE_ELSEWHERE: f64 = 0.6;

/// What keeps two sections apart must be less than this part of what keeps the next best one apart: where a template makes
/// many sections alike, none of them is any other.
const MARGIN: f64 = 0.7;

/// A piece of text that so many sections have says nothing about which is which.
const COMMON: usize = 64;

/// Sections with a piece that are looked at to see whether others are as close.
const RIVALS: usize = 8;

/// A section to be compared.
#[derive(Clone, Copy)]
struct Compared<'b> {
    /// Its number among the known or the new ones.
    at: usize,
    /// Only sections of one group are compared.
    group: usize,
    path: &'b [String],
    /// Between which others it stands; `None` where that says nothing.
    place: Option<Neighbors>,
    sketch: &'b Sketch,
}

/// A known and a new section that have something in common, by their numbers in the lists that were compared.
struct Pair {
    known: usize,
    new: usize,
    apart: f64,
    same_headings: bool,
    is_enough: bool,
}

impl Matching<'_> {
    /// Pairs those that are most alike within the sources, the best pairs first.
    pub(super) fn pair_alike_at_home(&mut self, (known, new): (&Looks, &Looks)) {
        let (free_known, free_new) = self.left();
        let (olds, news) = (self.known, self.new);
        let (of_known, of_new) = self.neighbors();
        let compared = free_known.into_iter().filter_map(|at| {
            let (group, sketch) = (self.home(at)?, &known.get(&at)?.sketch);
            Some(Compared { at, group, path: olds[at].path, place: Some(of_known[at]), sketch })
        });
        let known: Vec<Compared<'_>> = compared.collect();
        let compared = free_new.into_iter().filter_map(|at| {
            let (group, sketch) = (news[at].source, &new.get(&at)?.sketch);
            Some(Compared { at, group, path: news[at].path, place: Some(of_new[at]), sketch })
        });
        let new: Vec<Compared<'_>> = compared.collect();
        let of_both: BTreeSet<usize> = known.iter().map(|section| section.group).collect();
        let of_both =
            new.iter().map(|section| section.group).filter(|group| of_both.contains(group)).collect();
        let paired = self.paired(&of_both);
        let rivals: Vec<Compared<'_>> = paired
            .iter()
            .map(|(at, sketch)| {
                let section = &news[*at];
                Compared { at: *at, group: section.source, path: section.path, place: None, sketch }
            })
            .collect();
        let pairs = alike(&known, &new, apart_at_home, |known, new, likeness| {
            let same_headings = known.path == new.path;
            // A few words say less than the headings that they stand under.
            let is_telling = self.weights[new.at] >= TELLING;
            is_telling && likeness >= CLOSE || same_headings && likeness + SAME_HEADINGS >= CLOSE
        });
        let wanted = wanted(&pairs, |pair| pair.new);
        let closest =
            Closest { of_known: HashMap::new(), of_new: closest(&wanted, &new, &rivals, apart_at_home) };
        self.pair_closest(pairs, (&known, &new), &closest);
    }

    /// The same across sources, of texts that are long enough: with `same`, those that were not changed. `nearby` are sources
    /// whose sections count as rivals, as living ones do.
    pub(super) fn pair_elsewhere(
        &mut self,
        (old_looks, new_looks): (&Looks, &Looks),
        living: &[Living<'_>],
        nearby: &BTreeSet<usize>,
        same: bool,
    ) {
        let (free_known, free_new) = self.left();
        let (olds, news) = (self.known, self.new);
        let least = if same { TELLING } else { TELLING_ALONE };
        let telling = |looks: &Looks, at: usize| looks.get(&at).is_some_and(|look| look.weight >= least);
        let anywhere = |at, path, sketch| Compared { at, group: 0, path, place: None, sketch };
        let free_known = free_known.into_iter().filter(|&at| telling(old_looks, at));
        let known: Vec<Compared<'_>> =
            free_known.map(|at| anywhere(at, olds[at].path, &old_looks[&at].sketch)).collect();
        let free_new = free_new.into_iter().filter(|&at| telling(new_looks, at));
        let new: Vec<Compared<'_>> =
            free_new.map(|at| anywhere(at, news[at].path, &new_looks[&at].sketch)).collect();
        let pairs = if same {
            let digest = |old: usize, now: usize| olds[old].digest == news[now].digest;
            let said = |old: usize, now: usize| old_looks[&old].text == new_looks[&now].text;
            let is_same = |old: usize, now: usize| {
                digest(old, now) || said(old, now) && new_looks[&now].weight >= TELLING_ALONE
            };
            same_texts(&known, &new, (old_looks, new_looks), is_same)
        } else {
            alike(&known, &new, apart_elsewhere, |_, _, likeness| likeness >= ALIKE_ELSEWHERE)
        };
        if !pairs.iter().any(|pair| pair.is_enough) {
            return;
        }
        let paired = self.paired(nearby);
        let rivals = paired.iter().map(|(at, sketch)| anywhere(*at, news[*at].path, sketch));
        let living = living.iter().flat_map(|source| source.sections.iter().zip(&source.looks));
        let rivals: Vec<Compared<'_>> =
            rivals.chain(living.map(|((path, _), look)| anywhere(0, path, &look.sketch))).collect();
        // A section is the changed one that stands in its source rather than the same one elsewhere.
        let at_home = |at: usize| self.home(at).unwrap_or(usize::MAX);
        let here: Vec<Compared<'_>> =
            known.iter().map(|section| Compared { group: at_home(section.at), ..*section }).collect();
        let (_, free_new) = self.left();
        let changed: Vec<Compared<'_>> = free_new
            .into_iter()
            .filter_map(|at| {
                let (group, sketch) = (news[at].source, &new_looks.get(&at)?.sketch);
                Some(Compared { at, group, path: news[at].path, place: None, sketch })
            })
            .collect();
        let closest = Closest {
            of_known: closest(&wanted(&pairs, |pair| pair.known), &here, &changed, apart_at_home),
            of_new: closest(&wanted(&pairs, |pair| pair.new), &new, &rivals, apart_elsewhere),
        };
        self.pair_closest(pairs, (&known, &new), &closest);
    }

    /// The new sections of these sources that have partners, and what they say.
    fn paired(&self, sources: &BTreeSet<usize>) -> Vec<(usize, Sketch)> {
        let paired = (0..self.new.len())
            .filter(|&at| self.of_new[at].is_some() && sources.contains(&self.new[at].source));
        paired.map(|at| (at, Sketch::of(self.texts[at]))).collect()
    }

    /// Pairs the closest ones first, where nothing else is about as close to either.
    fn pair_closest(
        &mut self,
        mut pairs: Vec<Pair>,
        (known, new): (&[Compared<'_>], &[Compared<'_>]),
        closest: &Closest,
    ) {
        let copies = self.copies(known, new);
        pairs.sort_unstable_by(|a, b| {
            let rest = |pair: &Pair| (!pair.same_headings, pair.known, pair.new);
            a.apart.total_cmp(&b.apart).then(rest(a).cmp(&rest(b)))
        });
        let mut of_known: HashMap<usize, Vec<usize>> = HashMap::new();
        let mut of_new: HashMap<usize, Vec<usize>> = HashMap::new();
        for (number, pair) in pairs.iter().enumerate() {
            of_known.entry(pair.known).or_default().push(number);
            of_new.entry(pair.new).or_default().push(number);
        }
        let digests =
            |pair: &Pair| (self.known[known[pair.known].at].digest, self.new[new[pair.new].at].digest);
        let digests: Vec<(TextDigest, TextDigest)> = pairs.iter().map(digests).collect();
        // A pair that is found may be what stood in the way of another.
        loop {
            let mut found = false;
            for (number, pair) in pairs.iter().enumerate().filter(|(_, pair)| pair.is_enough) {
                let is_free = |pair: &Pair| {
                    self.of_known[known[pair.known].at].is_none() && self.of_new[new[pair.new].at].is_none()
                };
                if !is_free(pair) {
                    continue;
                }
                let is_copy =
                    |other: usize| digests[other] == digests[number] && copies.contains(&digests[number].0);
                let others = of_known[&pair.known].iter().chain(&of_new[&pair.new]);
                let others = others
                    .filter(|&&other| other != number && is_free(&pairs[other]) && !is_copy(other))
                    .map(|&other| pairs[other].apart);
                let rivals = [closest.of_known.get(&pair.known), closest.of_new.get(&pair.new)];
                let next = others.chain(rivals.into_iter().flatten().copied()).min_by(f64::total_cmp);
                if next.is_none_or(|next| pair.apart < MARGIN * next) {
                    self.set(known[pair.known].at, new[pair.new].at);
                    found = true;
                }
            }
            if !found {
                return;
            }
        }
    }

    /// What as many known as new sections say: which of them is which makes no difference.
    fn copies(&self, known: &[Compared<'_>], new: &[Compared<'_>]) -> HashSet<TextDigest> {
        let mut counts: HashMap<TextDigest, (usize, usize)> = HashMap::new();
        known.iter().for_each(|section| counts.entry(self.known[section.at].digest).or_default().0 += 1);
        new.iter().for_each(|section| counts.entry(self.new[section.at].digest).or_default().1 += 1);
        counts.into_iter().filter(|(_, (known, new))| known == new).map(|(digest, _)| digest).collect()
    }
}

/// What keeps sections that are no candidates apart from those that are, by their numbers in the lists.
struct Closest {
    of_known: HashMap<usize, f64>,
    of_new: HashMap<usize, f64>,
}

/// What keeps two sections apart, from their likeness.
type Apart = fn(f64, &Compared<'_>, &Compared<'_>) -> f64;

/// In one source: 0 for the same text under the same headings in the same place.
fn apart_at_home(likeness: f64, one: &Compared<'_>, other: &Compared<'_>) -> f64 {
    let headings = if one.path == other.path { 0.0 } else { SAME_HEADINGS };
    let place = if one.place.is_some() && one.place == other.place { 0.0 } else { SAME_PLACE };
    1.0 - likeness + headings + place
}

/// In different sources headings say little: those of a template stand in all of them.
fn apart_elsewhere(likeness: f64, _: &Compared<'_>, _: &Compared<'_>) -> f64 {
    1.0 - likeness + SAME_HEADINGS + SAME_PLACE
}

/// Known and new sections of one group that share a piece that few have.
fn alike(
    known: &[Compared<'_>],
    new: &[Compared<'_>],
    apart: Apart,
    is_enough: impl Fn(&Compared<'_>, &Compared<'_>, f64) -> bool,
) -> Vec<Pair> {
    let of_piece = by_piece(known, COMMON + 1);
    let mut pairs = Vec::new();
    for (number, section) in new.iter().enumerate() {
        let lists = section.sketch.hashes().iter().filter_map(|&piece| of_piece.get(&(section.group, piece)));
        let near: HashSet<usize> = lists.filter(|list| list.len() <= COMMON).flatten().copied().collect();
        for other in near {
            let likeness = known[other].sketch.likeness(section.sketch);
            let same_headings = known[other].path == section.path;
            let is_enough = is_enough(&known[other], section, likeness);
            let apart = apart(likeness, &known[other], section);
            pairs.push(Pair { known: other, new: number, apart, same_headings, is_enough });
        }
    }
    pairs
}

/// Known and new sections of the same text.
fn same_texts(
    known: &[Compared<'_>],
    new: &[Compared<'_>],
    (old_looks, new_looks): (&Looks, &Looks),
    is_same: impl Fn(usize, usize) -> bool,
) -> Vec<Pair> {
    let mut of_text: HashMap<Option<TextDigest>, Vec<usize>> = HashMap::new();
    for (number, section) in known.iter().enumerate() {
        let list = of_text.entry(old_looks[&section.at].text).or_default();
        if list.len() < COMMON {
            list.push(number);
        }
    }
    let mut pairs = Vec::new();
    for (number, section) in new.iter().enumerate() {
        for &other in of_text.get(&new_looks[&section.at].text).into_iter().flatten() {
            let same_headings = known[other].path == section.path;
            let is_enough = is_same(known[other].at, section.at);
            let apart = apart_elsewhere(1.0, &known[other], section);
            pairs.push(Pair { known: other, new: number, apart, same_headings, is_enough });
        }
    }
    pairs
}

/// What keeps the closest rival apart from each of the sections that are wanted.
fn closest(
    wanted: &HashSet<usize>,
    sections: &[Compared<'_>],
    rivals: &[Compared<'_>],
    apart: Apart,
) -> HashMap<usize, f64> {
    if wanted.is_empty() {
        return HashMap::new();
    }
    let of_piece = by_piece(rivals, RIVALS);
    let mut closest = HashMap::new();
    for &number in wanted {
        let section = &sections[number];
        let lists = section.sketch.hashes().iter().filter_map(|&piece| of_piece.get(&(section.group, piece)));
        let near: HashSet<usize> = lists.flatten().copied().collect();
        let near = near.into_iter().map(|rival| &rivals[rival]);
        let near = near.map(|rival| apart(rival.sketch.likeness(section.sketch), rival, section));
        if let Some(least) = near.min_by(f64::total_cmp) {
            closest.insert(number, least);
        }
    }
    closest
}

/// The sections of the pairs that are close enough.
fn wanted(pairs: &[Pair], section: impl Fn(&Pair) -> usize) -> HashSet<usize> {
    pairs.iter().filter(|pair| pair.is_enough).map(section).collect()
}

/// For each group and piece of text the first sections that have it, at most so many.
fn by_piece(sections: &[Compared<'_>], at_most: usize) -> HashMap<(usize, u64), Vec<usize>> {
    let mut of_piece: HashMap<(usize, u64), Vec<usize>> = HashMap::new();
    for (number, section) in sections.iter().enumerate() {
        for &piece in section.sketch.hashes() {
            let list = of_piece.entry((section.group, piece)).or_default();
            if list.len() < at_most {
                list.push(number);
            }
        }
    }
    of_piece
}
