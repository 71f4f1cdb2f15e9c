//! Sections that say what they said: the same under the same heading, or the same alone.

use std::collections::HashMap;
use std::hash::Hash;

use rekall_core::TextDigest;

use super::tables::once;
use super::{Look, Looks, Matching, TELLING};

/// The nearest sections before and after one that have partners, by their numbers among the known ones.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(super) struct Neighbors {
    before: Option<usize>,
    after: Option<usize>,
}

impl Matching<'_> {
    /// Pairs equal digests within the sources: under the same headings, then under others, where there is one alone or the
    /// text is long enough.
    pub(super) fn pair_digests_at_home(&mut self) {
        let (olds, news) = (self.known, self.new);
        self.pair(
            |this, at| this.home(at).map(|home| (home, olds[at].digest, olds[at].path)),
            |_, at| Some((news[at].source, news[at].digest, news[at].path)),
        );
        self.pair_unique(
            |this, at| this.home(at).map(|home| (home, olds[at].digest)),
            |_, at| Some((news[at].source, news[at].digest)),
        );
        self.pair(
            |this, at| this.home(at).map(|home| (home, olds[at].digest)),
            |this, at| (this.weights[at] >= TELLING).then(|| (news[at].source, news[at].digest)),
        );
    }

    /// Pairs equal digests, of short texts too, beside a section that went the same way.
    pub(super) fn pair_in_company(&mut self) {
        let (olds, news) = (self.known, self.new);
        for side in [|beside: Neighbors| beside.before, |beside: Neighbors| beside.after] {
            let (of_known, of_new) = self.neighbors();
            self.pair(
                |this, at| this.home(at).and(Some((side(of_known[at])?, olds[at].digest))),
                |_, at| Some((side(of_new[at])?, news[at].digest)),
            );
        }
    }

    /// Pairs equal texts under other headings within the sources: long ones, and short ones that stand where they stood.
    pub(super) fn pair_texts_at_home(&mut self, (known, new): (&Looks, &Looks)) {
        let (olds, news) = (self.known, self.new);
        self.pair_unique(
            |this, at| Some((this.home(at)?, known.get(&at)?.text?)),
            |this, at| Some((news[at].source, new.get(&at)?.text?)).filter(|_| this.weights[at] >= TELLING),
        );
        // One that says nothing is known by its heading alone. Of a heading that changed there are fewer now, or more.
        let (free_known, free_new) = self.left();
        let homes: Vec<Option<usize>> = (0..olds.len()).map(|at| self.home(at)).collect();
        let mut more: HashMap<(Option<usize>, Option<&String>), i64> = HashMap::new();
        free_known
            .into_iter()
            .for_each(|at| *more.entry((homes[at], olds[at].path.last())).or_default() -= 1);
        free_new
            .into_iter()
            .for_each(|at| *more.entry((Some(news[at].source), news[at].path.last())).or_default() += 1);
        let said = |look: Option<&Look>, digest: TextDigest| {
            look.map(|look| look.text.map_or((None, Some(digest)), |text| (Some(text), None)))
        };
        self.pair_in_place(
            |at| {
                let was_changed = more[&(homes[at], olds[at].path.last())] < 0;
                said(known.get(&at), olds[at].digest).filter(|_| was_changed)
            },
            |at| {
                let was_changed = more[&(Some(news[at].source), news[at].path.last())] > 0;
                said(new.get(&at), news[at].digest).filter(|_| was_changed)
            },
        );
    }

    /// Pairs equal keys between the same neighbors in the sources; then beside the same one, where nothing else has the key.
    fn pair_in_place<K: Copy + Eq + Hash>(
        &mut self,
        known: impl Fn(usize) -> Option<K>,
        new: impl Fn(usize) -> Option<K>,
    ) {
        let news = self.new;
        let (of_known, of_new) = self.neighbors();
        // Where there are more on one side, nothing tells which of them it is.
        let (free_known, free_new) = self.left();
        let mut more = HashMap::new();
        let old_key = |this: &Self, at: usize| Some((this.home(at)?, of_known[at], known(at)?));
        let new_key = |at: usize| Some((news[at].source, of_new[at], new(at)?));
        for key in free_known.into_iter().filter_map(|at| old_key(self, at)) {
            *more.entry(key).or_default() -= 1;
        }
        for key in free_new.into_iter().filter_map(new_key) {
            *more.entry(key).or_default() += 1;
        }
        self.pair(
            |this, at| old_key(this, at).filter(|key| more.get(key) == Some(&0)),
            |_, at| new_key(at).filter(|key| more.get(key) == Some(&0)),
        );
        for side in [|beside: Neighbors| beside.before, |beside: Neighbors| beside.after] {
            let (free_known, free_new) = self.left();
            let (of_known, of_new) = self.neighbors();
            let once_known = once(free_known, |at| Some((self.home(at)?, known(at)?)));
            let once_new = once(free_new, |at| Some((news[at].source, new(at)?)));
            self.pair(
                |this, at| {
                    let key = (this.home(at)?, known(at)?);
                    once_known.contains_key(&key).then(|| (key, side(of_known[at])))
                },
                |_, at| {
                    let key = (news[at].source, new(at)?);
                    once_new.contains_key(&key).then(|| (key, side(of_new[at])))
                },
            );
        }
    }

    /// Of each known and each new section.
    pub(super) fn neighbors(&self) -> (Vec<Neighbors>, Vec<Neighbors>) {
        let partner = |at: usize| {
            let is_here = !self.known[at].is_orphan && self.of_known[at].is_some();
            is_here.then_some(at)
        };
        (
            beside(self.known.len(), |at| self.known[at].source, partner),
            beside(self.new.len(), |at| self.new[at].source, |at| self.of_new[at]),
        )
    }
}

/// For each of so many sections, in sources one after the other, the nearest in its source that has a `partner`.
fn beside(
    count: usize,
    source: impl Fn(usize) -> usize,
    partner: impl Fn(usize) -> Option<usize>,
) -> Vec<Neighbors> {
    let mut beside = vec![Neighbors::default(); count];
    let mut last = None;
    for (at, beside) in beside.iter_mut().enumerate() {
        last = last.filter(|_| at > 0 && source(at - 1) == source(at));
        beside.before = last;
        last = partner(at).or(last);
    }
    last = None;
    for (at, beside) in beside.iter_mut().enumerate().rev() {
        last = last.filter(|_| at + 1 < count && source(at + 1) == source(at));
        beside.after = last;
        last = partner(at).or(last);
    }
    beside
}
