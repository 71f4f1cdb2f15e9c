//! Sources that have another name now.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::Hash;

use super::tables::once;
use super::{Living, Looks, Matching};

/// What a source says from its beginning to its end: headings, and a key for what stands under them.
type Whole<'a, K> = Vec<(&'a [String], K)>;

/// Sources that say the same: those that are gone, and those that are new.
type Same = (Vec<usize>, Vec<usize>);

impl<'a> Matching<'a> {
    /// Pairs the sections of a source that is gone with those of a new one that says the same from its beginning to its end.
    pub(super) fn pair_renamed_whole(&mut self, living: &[Living<'_>]) {
        let (olds, news) = (self.known, self.new);
        let living = living.iter().map(|source| source.sections.clone()).collect();
        self.pair_whole(|at| Some(olds[at].digest), |at| Some(news[at].digest), &living);
    }

    /// The same by texts: the title of a text without headings is its file's name.
    pub(super) fn pair_renamed_texts(&mut self, (known, new): (&Looks, &Looks), living: &[Living<'_>]) {
        let living = living
            .iter()
            .map(|source| {
                let sections = source.sections.iter().zip(&source.looks);
                sections.map(|((path, _), look)| (*path, look.text)).collect()
            })
            .collect();
        self.pair_whole(|at| Some(known.get(&at)?.text), |at| Some(new.get(&at)?.text), &living);
    }

    /// Notes which sources most of a new one comes from, where these are gone: it is theirs now.
    pub(super) fn follow_renamed(&mut self) {
        let mut came: BTreeMap<(usize, usize), usize> = BTreeMap::new();
        let mut all: HashMap<usize, usize> = HashMap::new();
        for (at, partner) in self.of_new.iter().enumerate() {
            let to = self.new[at].source;
            *all.entry(to).or_default() += self.weights[at];
            if let Some(from) = partner.map(|known| self.known[known].source)
                && self.sources[from].is_gone
                && self.sources[to].is_new
            {
                *came.entry((from, to)).or_default() += self.weights[at];
            }
        }
        let mut most: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
        for ((from, to), weight) in came {
            let best = most.entry(from).or_default();
            if 2 * weight > all[&to] && weight > best.0 {
                *best = (weight, to);
            }
        }
        for (from, (weight, to)) in most {
            if weight > 0 && self.homes[from] == from {
                self.homes[from] = to;
            }
        }
    }

    /// Where a living source says the same, only the name tells which it is; where several do that are gone, or new, what else
    /// is equal: tags, lines.
    fn pair_whole<K: Eq + Hash>(
        &mut self,
        known: impl Fn(usize) -> Option<K>,
        new: impl Fn(usize) -> Option<K>,
        living: &HashSet<Whole<'_, K>>,
    ) {
        let (before, now) = (self.free_sources(true), self.free_sources(false));
        let mut groups: HashMap<Whole<'_, K>, Same> = HashMap::new();
        for (&source, sections) in &before {
            let whole = sections.iter().map(|&at| Some((self.known[at].path, known(at)?))).collect();
            if let Some(whole) = whole {
                groups.entry(whole).or_default().0.push(source);
            }
        }
        for (&source, sections) in &now {
            let whole: Option<Whole<'_, K>> =
                sections.iter().map(|&at| Some((self.new[at].path, new(at)?))).collect();
            if let Some(same) = whole.and_then(|whole| groups.get_mut(&whole)) {
                same.1.push(source);
            }
        }
        let mut pairs = Vec::new();
        for (whole, (mut gone, mut new)) in groups {
            pair_once(&mut gone, &mut new, |at| name(self.sources[at].uri), &mut pairs);
            if !living.contains(&whole) {
                pair_once(&mut gone, &mut new, |at| self.sources[at].digest, &mut pairs);
                pair_once(&mut gone, &mut new, |_| (), &mut pairs);
            }
        }
        for (from, to) in pairs {
            self.homes[from] = to;
            for (&known, &new) in before[&from].iter().zip(&now[&to]) {
                self.set(known, new);
            }
        }
    }

    /// The sections of each source that is gone, or new, where none of them has a partner.
    fn free_sources(&self, gone: bool) -> BTreeMap<usize, Vec<usize>> {
        let (sections, pairs) = if gone { (self.known, &self.of_known) } else { (self.new, &self.of_new) };
        let mut free: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        let mut taken = HashSet::new();
        for (at, section) in sections.iter().enumerate() {
            let source = &self.sources[section.source];
            let is_of_them = if gone { source.is_gone } else { source.is_new };
            if is_of_them && !section.is_orphan {
                free.entry(section.source).or_default().push(at);
                if pairs[at].is_some() {
                    taken.insert(section.source);
                }
            }
        }
        free.retain(|source, _| !taken.contains(source));
        free
    }
}

/// Pairs sources whose key no other of the same kind has, and takes them out of the lists.
fn pair_once<K: Eq + Hash>(
    gone: &mut Vec<usize>,
    new: &mut Vec<usize>,
    key: impl Fn(usize) -> K,
    pairs: &mut Vec<(usize, usize)>,
) {
    let once_new = once(new.iter().copied(), |at| Some(key(at)));
    for (key, from) in once(gone.iter().copied(), |at| Some(key(at))) {
        if let Some(&to) = once_new.get(&key) {
            gone.retain(|&other| other != from);
            new.retain(|&other| other != to);
            pairs.push((from, to));
        }
    }
}

/// The last part of a URI: the name of a file.
pub(in crate::sources) fn name(uri: &str) -> &str {
    uri.rsplit('/').next().unwrap_or(uri)
}
