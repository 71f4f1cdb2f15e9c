//! Pairing by keys, and what is left.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::Hash;

use rekall_core::TextDigest;

use super::Matching;

impl Matching<'_> {
    /// The known and the new sections that have no partner.
    pub(in crate::sources) fn left(&self) -> (Vec<usize>, Vec<usize>) {
        let free = |pairs: &[Option<usize>]| {
            pairs.iter().enumerate().filter(|(_, pair)| pair.is_none()).map(|(at, _)| at).collect()
        };
        (free(&self.of_known), free(&self.of_new))
    }

    /// Whether known and new sections are left in different sources.
    pub(in crate::sources) fn is_left_elsewhere(&self) -> bool {
        let (known, new) = self.left();
        let homes: BTreeSet<Option<usize>> = known.into_iter().map(|at| self.home(at)).collect();
        let sources: BTreeSet<Option<usize>> = new.into_iter().map(|at| Some(self.new[at].source)).collect();
        match (homes.len(), sources.len()) {
            (0, _) | (_, 0) => false,
            (1, 1) => homes != sources,
            _ => true,
        }
    }

    /// Whether one of them says in another source what a known one said that is left.
    pub(in crate::sources) fn is_left_alike(&self) -> bool {
        let (known, new) = self.left();
        let digests: HashSet<TextDigest> = known.into_iter().map(|at| self.known[at].digest).collect();
        new.into_iter().any(|at| digests.contains(&self.new[at].digest))
    }

    /// Sources of sections that are left.
    pub(in crate::sources) fn of_interest(&self) -> BTreeSet<usize> {
        let (known, new) = self.left();
        let known = known.into_iter().map(|at| self.known[at].source);
        known.chain(new.into_iter().map(|at| self.new[at].source)).collect()
    }

    pub(super) fn set(&mut self, known: usize, new: usize) {
        self.of_known[known] = Some(new);
        self.of_new[new] = Some(known);
    }

    /// Pairs those with equal keys, in their order.
    pub(super) fn pair<K: Eq + Hash>(
        &mut self,
        known: impl Fn(&Self, usize) -> Option<K>,
        new: impl Fn(&Self, usize) -> Option<K>,
    ) {
        let (free_known, free_new) = self.left();
        let mut waiting: HashMap<K, Vec<usize>> = HashMap::new();
        for at in free_known.into_iter().rev() {
            if let Some(key) = known(self, at) {
                waiting.entry(key).or_default().push(at);
            }
        }
        let mut pairs = Vec::new();
        for at in free_new {
            let partner = new(self, at).and_then(|key| waiting.get_mut(&key)?.pop());
            pairs.extend(partner.map(|partner| (partner, at)));
        }
        pairs.into_iter().for_each(|(known, new)| self.set(known, new));
    }

    /// Pairs those whose key no other section that is left has.
    pub(super) fn pair_unique<K: Eq + Hash>(
        &mut self,
        known: impl Fn(&Self, usize) -> Option<K>,
        new: impl Fn(&Self, usize) -> Option<K>,
    ) {
        let (free_known, free_new) = self.left();
        let once_known = once(free_known, |at| known(self, at));
        let once_new = once(free_new, |at| new(self, at));
        let mut pairs: Vec<(usize, usize)> =
            once_known.iter().filter_map(|(key, &at)| Some((at, *once_new.get(key)?))).collect();
        pairs.sort_unstable();
        pairs.into_iter().for_each(|(known, new)| self.set(known, new));
    }
}

/// Those whose key no other has.
pub(super) fn once<K: Eq + Hash>(
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
